"""The built-in words of mails, by template, and what their variables mean."""

from collections.abc import Iterator

from services.notify.adapters.catalogue import Catalogue, catalogue, catalogues
from services.notify.domain.templates import MAILS, template_name, variables
from services.notify.domain.wording import APPOINTMENT, Wording, flaws


def built_in(event: str, audience: str, words: Catalogue) -> Wording:
    """The words of a mail that nobody has customised. Raises `KeyError` for a mail that there is not."""
    kind = f"{event}.{audience}"
    body = f"{words.text('greeting')}\n\n# {words.text(f'{kind}.lead')}\n\n{{{{{APPOINTMENT}}}}}"
    return Wording(subject=words.text(f"{kind}.subject"), body=body)


def names() -> Iterator[tuple[str, str, str]]:
    """Event, audience and language of every template there is, in the order in which they are listed."""
    for event, audiences in MAILS.items():
        for audience in audiences:
            for language in sorted(catalogues()):
                yield event, audience, language


def parts(name: str) -> tuple[str, str, str] | None:
    """Event, audience and language of the template of this name; None if there is none."""
    return next((one for one in names() if template_name(*one) == name), None)


def built_in_of(name: str) -> Wording:
    """The built-in words of the template of this name, which must be one."""
    event, audience, language = name.split(".")
    return built_in(event, audience, catalogue(language))


def explanation(variable: str) -> dict[str, str]:
    """What a variable stands for, by language."""
    return {language: words.text(f"variable.{variable}") for language, words in sorted(catalogues().items())}


def check(words: Catalogue) -> None:
    """Raise `ValueError` for built-in words that name what their mail does not know."""
    for event, audiences in MAILS.items():
        for audience in audiences:
            for flaw in flaws(built_in(event, audience, words), variables(event)):
                raise ValueError(f"{words.language} {event}.{audience}: the {flaw.field} {flaw.message}")
