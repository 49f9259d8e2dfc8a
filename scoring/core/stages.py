"""Stages: which one a score is in, and which crossings between stages a batch of entries made.

A stage is entered at its `min`; with a hysteresis it is left downward only when the score is that much below.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from scoring.core.engine import Entry


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageTable:
    """The stages of a scorecard from the lowest to the highest; scores in hundredths."""

    names: tuple[str, ...]
    mins: tuple[int, ...]
    leaves_below: tuple[int, ...]
    sticky: bool
    ranks: dict[str, int] = field(repr=False)

    @classmethod
    def build(cls, stages: Iterable[tuple[str, int, int]]) -> Self:
        """Return the table of stages given as (name, min, hysteresis)."""
        ordered = sorted(stages, key=lambda stage: stage[1])
        return cls(
            names=tuple(name for name, _, _ in ordered),
            mins=tuple(least for _, least, _ in ordered),
            leaves_below=tuple(least - hysteresis for _, least, hysteresis in ordered),
            sticky=any(hysteresis for _, _, hysteresis in ordered),
            ranks={name: rank for rank, (name, _, _) in enumerate(ordered)},
        )

    def stage_of(self, score: int, current: str | None = None) -> str:
        """Return the stage of a score for a lead that is in stage `current` now."""
        rank = bisect_right(self.mins, score, 1) - 1
        if self.sticky and current is not None:
            held = self.ranks.get(current, 0)
            while held > rank and score < self.leaves_below[held]:
                held -= 1
            rank = max(rank, held)
        return self.names[rank]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A lead's move from one stage to another; `entry` is the ledger row that made it."""

    old: str
    new: str
    entry: "Entry"


def stage_path(
    before: str, entries: "Sequence[Entry]", *, in_order: bool, after: str | None = None
) -> tuple[Crossing, ...]:
    """Return the crossings of one scorecard that a lead has made since it stood in stage `before`.

    `entries` are the scorecard's new rows of an in-order batch, or its whole new chain after a refold
    (`in_order=False`), where only what leads from `before` to the stage now counts: the past moved, but a
    lead that ends where it stood has crossed nothing, and a stage it came back from is past too. `after` is the
    stage now, by default the last entry's.
    """
    crossings = tuple(
        Crossing(old=entry.old_stage, new=entry.new_stage, entry=entry)
        for entry in entries
        if entry.old_stage != entry.new_stage
    )
    if in_order:
        return crossings
    now = after if after is not None else entries[-1].new_stage if entries else before
    if now == before:
        return ()
    for index in range(len(crossings) - 1, -1, -1):
        if crossings[index].old == before:
            return _without_detours(crossings[index:])
    if crossings:
        return (Crossing(old=before, new=now, entry=crossings[-1].entry),)
    return (Crossing(old=before, new=now, entry=entries[-1]),) if entries else ()


def _without_detours(crossings: tuple[Crossing, ...]) -> tuple[Crossing, ...]:
    """Return the path with every loop cut out, from a stage back to the same stage."""
    direct: list[Crossing] = []
    for crossing in crossings:
        direct.append(crossing)
        for index, earlier in enumerate(direct):
            if earlier.old == crossing.new:
                del direct[index:]
                break
    return tuple(direct)
