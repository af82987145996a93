"""Finding a booking by its guest: the words of a name and an address, without case and accents, and where they lie.

A search is a few words; a booking is found if each of them is the beginning of one of its own. Keys hold no words but
the first two letters of each (its *beginning*), so an index alone tells nobody apart, and what is found by it is looked
at once more. They are made from the booking whenever it is written: who erases the guest erases them in the same write.
"""

import re
import unicodedata
from dataclasses import dataclass

LETTERS = 2
"""Letters of a word in a key. More would find rare names in fewer steps, and those of two letters not at all."""
PLACES = 6
"""So many different beginnings of one booking have a place in the indexes each."""
MORE = "*"
"""The beginning of whatever there is no place for: every search looks there, too."""

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
"""Letters with a stroke and such, which Unicode does not take apart."""
_UMLAUT = re.compile(r"([ao])e|(?<![aeq])(u)e")
"""An umlaut in two letters. After a, e and q, `ue` is none: Bauer, neue, Quelle."""
_WORD = re.compile(r"[^\W_]+")
_ID = re.compile(r"bk_[0-9a-z]{10,26}")
_LAST_LABEL = re.compile(r"\.[^\W_]+$")


def folded(text: str) -> str:
    """The text without case and accents, in which `Müller`, `MUELLER` and `Muller` are the same, `ß` is `ss`.

    What a text begins with, folded, is what the folded text begins with.
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign)).translate(_PLAIN)
    return _UMLAUT.sub(lambda found: found[1] or found[2], bare)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded, in their order."""
    return tuple(_WORD.findall(folded(text)))


@dataclass(frozen=True, slots=True)
class Sought:
    """What is searched for. `ends` are last labels (`de` in `anna@firma.de`): only they may be the end of an address,
    which nearly everybody has and no key holds.
    """

    words: tuple[str, ...]
    ends: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Sought":
        """What somebody typed."""
        words: list[str] = []
        ends: list[str] = []
        for part in text.split():
            rest, end = _parted(part)
            words += words_of(rest)
            ends += words_of(end)
        return cls(tuple(words), tuple(ends))

    @property
    def nothing(self) -> bool:
        """There is no letter and no digit in it."""
        return not self.words and not self.ends

    @property
    def beginning(self) -> str | None:
        """The beginning under which everything lies that is found by this, but for `MORE`: that of the longest word,
        because it tells most apart. None if no word has as many letters: then whatever there is has to be looked at.
        """
        longest = max(self.words, key=len, default="")
        return longest[:LETTERS] if len(longest) >= LETTERS else None

    def finds(self, name: str, email: str) -> bool:
        """Whether each word is the beginning of a word of the name or the address."""
        rest, end = _parted(email)
        own = {*words_of(name), *words_of(rest)}
        last = own.union(words_of(end))
        return (
            not self.nothing
            and all(any(word.startswith(one) for word in own) for one in self.words)
            and all(any(word.startswith(one) for word in last) for one in self.ends)
        )


def beginnings(name: str, email: str) -> tuple[str, ...]:
    """The different beginnings of the words of a guest, at most `PLACES`; if there are more, the last one is `MORE`."""
    words = (*words_of(name), *words_of(_parted(email)[0]))
    found = tuple(dict.fromkeys(word[:LETTERS] for word in words if len(word) >= LETTERS))
    return found if len(found) <= PLACES else (*found[: PLACES - 1], MORE)


def id_of(text: str) -> str | None:
    """The text as an id of a booking, or as the first ten characters and more of one after `bk_`; None: it is none."""
    plain = text.strip().lower()
    return plain if _ID.fullmatch(plain) else None


def _parted(text: str) -> tuple[str, str]:
    """The text without its last label, and that label."""
    found = _LAST_LABEL.search(text)
    return (text, "") if found is None else (text[: found.start()], found[0])
