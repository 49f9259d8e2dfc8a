"""Adjustments as people ask for them: so many points, for a reason, by somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ingest.core.events import parse_body

EVENT_TYPE = "adjustment"
MOST_POINTS = Decimal(1_000_000)
MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who adjusts: a person or a key, by their id and by what they were called then."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Points to give or take, and why. Without a scorecard they go to the primary one."""

    points: Decimal
    reason: str
    scorecard: str | None = None
    adjustment_id: str | None = None


def _points(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004  (pydantic listens to ValueError)
    return valid_points(Decimal(str(value)))


def valid_points(points: Decimal) -> Decimal:
    """Return points that a person may give or take; raise `ValueError`, in words, for others."""
    if not points.is_finite() or abs(points) > MOST_POINTS:
        raise ValueError(f"must be a number between −{MOST_POINTS:,} and {MOST_POINTS:,}")
    if points != points.quantize(Decimal("0.01")):
        raise ValueError("must have at most two decimals")
    if not points:
        raise ValueError("must not be 0")
    return points


def _text(value: object) -> object:
    return " ".join(value.replace("\x00", "").split()) if isinstance(value, str) else value


class AdjustmentFields(BaseModel):
    """The wire format of an adjustment."""

    model_config = ConfigDict(strict=True, extra="forbid")

    points: Annotated[Decimal, BeforeValidator(_points)]
    reason: Annotated[Annotated[str, Field(min_length=1, max_length=MAX_REASON)], BeforeValidator(_text)]
    scorecard: Annotated[str | None, Field(min_length=1, max_length=60)] = None
    adjustment_id: Annotated[
        Annotated[str, Field(min_length=1, max_length=100)] | None,
        BeforeValidator(_text),
        Field(alias="adjustmentId"),
    ] = None


def parse_adjustment(body: bytes) -> Adjustment:
    """Return the adjustment that a request body asks for; raise `Refused`."""
    fields = parse_body(AdjustmentFields, body)
    return Adjustment(
        points=fields.points,
        reason=fields.reason,
        scorecard=fields.scorecard,
        adjustment_id=fields.adjustment_id,
    )


def properties_of(adjustment: Adjustment, author: Author) -> dict[str, Any]:
    """Return an adjustment as the event log keeps it; points as text, so that they stay exact."""
    properties: dict[str, Any] = {
        "points": format(adjustment.points, "f"),
        "reason": adjustment.reason,
        "author": {"id": author.id, "name": author.name},
    }
    if adjustment.scorecard is not None:
        properties["scorecard"] = adjustment.scorecard
    return properties


def points_of(properties: Mapping[str, Any]) -> Decimal:
    """Return the points that `properties_of` wrote."""
    return Decimal(properties["points"])
