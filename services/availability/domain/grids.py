"""Masks: one bit of a Python int for each minute at which something may begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from services.availability.domain.rasters import Raster, Span


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of `cell` minutes from the epoch minute `base`; a mask has bit k for the cell that begins at its minute.

    They cover `[lo, hi)`.
    """

    base: int
    cell: int
    size: int
    lo: int
    hi: int

    @classmethod
    def of(cls, by_host: Iterable[Sequence[Raster]], step: int, lo: int, hi: int) -> Grid:
        """The coarsest grid for `[lo, hi)` on which all points of these rasters lie."""
        residues = {first % step for own in by_host for first, _ in own}
        residue = min(residues, default=0)
        cell = gcd(step, *(other - residue for other in residues))
        base = lo - (lo - residue) % cell
        return cls(base, cell, -((base - hi) // cell), lo, hi)

    def cut(self, mask: int, start: int, stop: int) -> tuple[int, int]:
        """The bits of the cells that begin in `[start, stop)`, and the minute of the first of these cells."""
        base, cell = self.base, self.cell
        first, last = -((base - start) // cell), -((base - stop) // cell)
        first = max(first, 0)
        last = min(last, self.size)
        return base + first * cell, (mask >> first) & ((1 << last - first) - 1) if first < last else 0

    def points(self, own: Iterable[Raster], step: int) -> int:
        """The bits of the points of rasters."""
        mask = 0
        for first, stop in own:
            mask |= _every(step // self.cell, -((first - stop) // step)) << ((first - self.base) // self.cell)
        return mask

    def within(self, spans: Iterable[Span]) -> int:
        """The bits of the cells that begin inside a span."""
        cell, size, mask = self.cell, self.size, 0
        # A minute of a cell counts as the next one's, so dividing rounds up: to the cell that begins at it or later.
        lowest = self.base - cell + 1
        highest = lowest + size * cell
        for start, end in spans:
            first = (start - lowest) // cell if start > lowest else 0
            stop = (end - lowest) // cell if end < highest else size
            if first < stop:
                mask |= (1 << stop) - (1 << first)
        return mask

    def at(self, starts: Iterable[int]) -> int:
        """The bits of the cells that begin at these minutes; others are left out."""
        mask = 0
        for start in starts:
            k, rest = divmod(start - self.base, self.cell)
            if not rest and 0 <= k < self.size:
                mask |= 1 << k
        return mask


@lru_cache(maxsize=4096)
def _every(step: int, count: int) -> int:
    """`count` ones, `step` bits apart."""
    return ((1 << step * count) - 1) // ((1 << step) - 1)
