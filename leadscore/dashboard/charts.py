"""The numbers behind the charts, as the browser script takes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from leadscore.dashboard.stages import StageScale


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Events a minute over the last hour, every minute present, the newest last."""

    minutes: tuple[tuple[datetime, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.minutes)

    @property
    def busiest(self) -> tuple[datetime, int] | None:
        """Return the minute with most events, or None when there were none."""
        best = max(self.minutes, key=lambda minute: minute[1], default=None)
        return best if best and best[1] else None

    @property
    def chart(self) -> dict[str, Any]:
        return {
            "labels": [f"{timezone.localtime(at):%H:%M}" for at, _ in self.minutes],
            "counts": [count for _, count in self.minutes],
        }


def score_chart(
    points: Sequence[tuple[datetime, Decimal]],
    *,
    scale: StageScale,
    opening: Decimal,
    now: datetime,
    marker: datetime | None = None,
) -> dict[str, Any]:
    """Return a score over time as steps from `opening` to the present, with the stages' bands and a mark at a moment.

    Times are milliseconds since 1970, scores plain numbers: only for drawing.
    """
    steps: list[tuple[datetime, Decimal]] = []
    if points:
        steps = [(points[0][0], opening), *points, (max(now, points[-1][0]), points[-1][1])]
    return {
        "steps": [{"x": _milliseconds(at), "y": float(score)} for at, score in steps],
        "bands": _bands(scale),
        "marker": None if marker is None else _milliseconds(marker),
    }


def _bands(scale: StageScale) -> list[dict[str, Any]]:
    tops: Iterable[Decimal | None] = [stage.minimum for stage in scale.stages[1:]] + [None]
    return [
        {
            "name": stage.name,
            "from": float(stage.minimum),
            "to": None if top is None else float(top),
            "css": stage.css,
        }
        for stage, top in zip(scale.stages, tops, strict=True)
    ]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
