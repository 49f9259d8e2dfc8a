"""How stages look: the colour of a stage by its rank, and the ruler that shows how far a score has come.

Projects name their stages as they like, so nothing here knows a name: the lowest stage has the first colour
of the palette, the highest the last, and those between are spread over the rest.
"""

from dataclasses import dataclass
from decimal import Decimal

from scoring.core.points import to_points
from scoring.core.ruleset import Card

PALETTE = 6  # `.rank-0` … `.rank-5` in the stylesheet
RULER_WIDTH = 100.0
RULER_GAP = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMark:
    """A stage as a page shows it. `css` is its colour class; a stage no ruleset knows any more is grey."""

    name: str
    minimum: Decimal
    css: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulerSegment:
    """One stage on a ruler, in hundredths of its width. `filled` is how much of `width` the score covers."""

    x: float
    width: float
    filled: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The next stage up, and how many points are missing."""

    stage: StageMark
    missing: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StageScale:
    """A scorecard's stages from the lowest to the highest."""

    scorecard: str
    stages: tuple[StageMark, ...]

    def mark(self, name: str) -> StageMark:
        """Return how to show the stage called `name`."""
        return next(
            (stage for stage in self.stages if stage.name == name),
            StageMark(name=name, minimum=Decimal(0), css="rank-none"),
        )

    def ruler(self, score: Decimal) -> tuple[RulerSegment, ...]:
        """Return the ruler for a score: every stage equally wide, the last one full at twice its minimum."""
        if not self.stages:
            return ()
        width = (RULER_WIDTH - RULER_GAP * (len(self.stages) - 1)) / len(self.stages)
        return tuple(
            RulerSegment(
                x=round(place * (width + RULER_GAP), 2),
                width=round(width, 2),
                filled=round(width * self._share(place, score), 2),
            )
            for place in range(len(self.stages))
        )

    def ahead(self, score: Decimal) -> Ahead | None:
        """Return the next stage above a score, or None when it is in the highest."""
        return next(
            (Ahead(stage=stage, missing=stage.minimum - score) for stage in self.stages if stage.minimum > score),
            None,
        )

    def _share(self, place: int, score: Decimal) -> float:
        low = self.stages[place].minimum
        last = place == len(self.stages) - 1
        high = max(2 * low, low + 1) if last else self.stages[place + 1].minimum
        if score < low or (score == low == 0):
            return 0.0
        # A score at the very start of a stage still shows a sliver of its colour.
        return min(1.0, max(0.06, float((score - low) / (high - low))))


def scale_of_card(card: Card) -> StageScale:
    """Return the scale of a scorecard."""
    table = card.stages
    return StageScale(
        scorecard=card.name,
        stages=tuple(
            StageMark(name=name, minimum=to_points(minimum), css=f"rank-{rank_of(place, len(table.names))}")
            for place, (name, minimum) in enumerate(zip(table.names, table.mins, strict=True))
        ),
    )


def rank_of(place: int, count: int) -> int:
    """Return the palette colour of the stage at `place` among `count`."""
    return 0 if count < 2 else round(place * (PALETTE - 1) / (count - 1))
