"""What folding leads anew does to their scores and stages, counted lead by lead.

A tally is small whatever the number of leads: counts, a few samples and the biggest movers. Tallies of parts of the
leads merge into that of the whole, and one survives being stored as JSON, so counting can be interrupted and shared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappush, heappushpop
from typing import Any, Self

from scoring.core.points import to_hundredths, to_number, to_points

SAMPLES = 8
MOVERS = 20


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mover:
    """A lead whose score or stage differs; scores in hundredths. Ordered by how much the score differs."""

    distance: int
    lead_id: str
    old_score: int
    new_score: int
    old_stage: str
    new_stage: str

    @property
    def delta(self) -> Decimal:
        """Return by how many points the score moves."""
        return to_points(self.new_score - self.old_score)


@dataclass(slots=True, kw_only=True)
class Cell:
    """The leads that go from one stage to another: how many, and the first few by id, whoever counted them."""

    count: int = 0
    samples: list[str] = field(default_factory=list)

    def add(self, count: int, samples: Iterable[str]) -> None:
        self.count += count
        self.samples = sorted([*self.samples, *samples])[:SAMPLES]


Crossed = tuple[str, str, bool]
"""A crossing: from a stage, to a stage, and whether the score rose."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has been counted so far."""

    leads: int = 0
    events: int = 0
    moved: int = 0
    score_changes: int = 0
    stage_changes: int = 0
    matrix: dict[tuple[str, str], Cell] = field(default_factory=dict)
    crossings: dict[Crossed, int] = field(default_factory=dict)
    movers: list[Mover] = field(default_factory=list)

    def add(
        self,
        lead_id: str,
        *,
        old: tuple[Decimal, str],
        new: tuple[Decimal, str],
        events: int,
        crossings: Iterable[Crossed] = (),
    ) -> None:
        """Count one lead, with its (score, stage) before and after."""
        self.leads += 1
        self.events += events
        self.matrix.setdefault((old[1], new[1]), Cell()).add(1, (lead_id,))
        if old == new:
            return
        self.moved += 1
        self.stage_changes += old[1] != new[1]
        self.score_changes += old[0] != new[0]
        before, after = to_hundredths(old[0]), to_hundredths(new[0])
        self._keep(
            Mover(
                distance=abs(after - before),
                lead_id=lead_id,
                old_score=before,
                new_score=after,
                old_stage=old[1],
                new_stage=new[1],
            )
        )
        for crossed in crossings:
            self.crossings[crossed] = self.crossings.get(crossed, 0) + 1

    def merge(self, other: "Tally") -> None:
        """Count what another tally, of other leads, has counted."""
        self.leads += other.leads
        self.events += other.events
        self.moved += other.moved
        self.score_changes += other.score_changes
        self.stage_changes += other.stage_changes
        for pair, cell in other.matrix.items():
            self.matrix.setdefault(pair, Cell()).add(cell.count, cell.samples)
        for crossed, count in other.crossings.items():
            self.crossings[crossed] = self.crossings.get(crossed, 0) + count
        for mover in other.movers:
            self._keep(mover)

    def _keep(self, mover: Mover) -> None:
        if len(self.movers) < MOVERS:
            heappush(self.movers, mover)
        else:
            heappushpop(self.movers, mover)

    def biggest_movers(self) -> list[Mover]:
        """Return the leads whose score moves the most, the most first."""
        return sorted(self.movers, key=lambda mover: (-mover.distance, mover.lead_id))

    def dump(self) -> dict[str, Any]:
        """Return the tally as a JSON-able tree."""
        return {
            "leads": self.leads,
            "events": self.events,
            "moved": self.moved,
            "scoreChanges": self.score_changes,
            "stageChanges": self.stage_changes,
            "matrix": [
                {"from": old, "to": new, "count": cell.count, "samples": cell.samples}
                for (old, new), cell in sorted(self.matrix.items())
            ],
            "crossings": [
                {"from": old, "to": new, "rising": rising, "count": count}
                for (old, new, rising), count in sorted(self.crossings.items())
            ],
            "movers": [
                {
                    "leadId": mover.lead_id,
                    "oldScore": to_number(to_points(mover.old_score)),
                    "newScore": to_number(to_points(mover.new_score)),
                    "oldStage": mover.old_stage,
                    "newStage": mover.new_stage,
                }
                for mover in self.biggest_movers()
            ],
        }

    @classmethod
    def load(cls, tree: Mapping[str, Any]) -> Self:
        """Return the tally that dump wrote; an empty tree is a tally of nothing."""
        tally = cls()
        if not tree:
            return tally
        tally.leads, tally.events, tally.moved = tree["leads"], tree["events"], tree["moved"]
        tally.score_changes, tally.stage_changes = tree["scoreChanges"], tree["stageChanges"]
        for cell in tree["matrix"]:
            tally.matrix[cell["from"], cell["to"]] = Cell(count=cell["count"], samples=list(cell["samples"]))
        for crossing in tree["crossings"]:
            tally.crossings[crossing["from"], crossing["to"], crossing["rising"]] = crossing["count"]
        for mover in tree["movers"]:
            before, after = (to_hundredths(Decimal(str(mover[name]))) for name in ("oldScore", "newScore"))
            tally._keep(
                Mover(
                    distance=abs(after - before),
                    lead_id=mover["leadId"],
                    old_score=before,
                    new_score=after,
                    old_stage=mover["oldStage"],
                    new_stage=mover["newStage"],
                )
            )
        return tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A rule (or what else moves a score) that gives a lead other points than before."""

    name: str
    before: Decimal
    after: Decimal


def reasons(before: Iterable[tuple[str, Decimal]], after: Iterable[tuple[str, Decimal]]) -> list[Reason]:
    """Return what makes the difference between two ledgers, given as (source, points), the most first."""
    sums: dict[str, list[Decimal]] = {}
    for place, parts in enumerate((before, after)):
        for name, points in parts:
            sums.setdefault(name, [Decimal(0), Decimal(0)])[place] += points
    found = [Reason(name=name, before=old, after=new) for name, (old, new) in sums.items() if old != new]
    return sorted(found, key=lambda reason: (-abs(reason.after - reason.before), reason.name))
