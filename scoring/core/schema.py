"""The shape of a ruleset as a file: what may be written, of which type, and how much of it.

What concerns one value is checked here; what concerns several (unique names, stages) in mistakes.py.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
)
from pydantic_core import PydanticCustomError

from scoring.core.points import CENT

MAX_SCORECARDS = 20
MAX_RULES = 500
MAX_STAGES = 50
MAX_GROUPS = 100
MAX_TESTS = 200
MAX_TEST_EVENTS = 200
MAX_LIST = 500
MAX_POINTS = Decimal(1_000_000)
MAX_SCORE = Decimal(100_000_000)


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("number", "must be a number")
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number.is_finite():
        raise PydanticCustomError("number", "must be a finite number")
    if abs(number) > MAX_SCORE:
        raise PydanticCustomError("number", "must be between -100,000,000 and 100,000,000")
    if number != number.quantize(CENT):
        raise PydanticCustomError("number", "may have at most two decimal places")
    return number.quantize(CENT)


def _days(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("days", "must be a number of days")
    return float(value)


def _moment(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("moment", "must be a time with a time zone, like 2026-01-01T00:00:00Z")
    return value


def _in_calendar(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("moment", "must be a moment of the years 1 to 9999") from None


def _small(value: Decimal) -> Decimal:
    if abs(value) > MAX_POINTS:
        raise PydanticCustomError("number", "must be between -1,000,000 and 1,000,000")
    return value


def _scalar(value: object) -> object:
    if isinstance(value, str):
        if len(value) > 1000:
            raise PydanticCustomError("value", "may have at most 1,000 characters")
    elif not isinstance(value, bool | int | float):
        raise PydanticCustomError("value", "must be text, a number, or true or false")
    return value


def _value(value: object) -> object:
    if not isinstance(value, list | tuple):
        return _scalar(value)
    if not 1 <= len(value) <= MAX_LIST:
        raise PydanticCustomError("value", "a list must have 1 to 500 values")
    return tuple(_scalar(item) for item in value)


def _types(value: object) -> object:
    """A list of one type means that type, so that a ruleset has one way to be written."""
    if isinstance(value, list | tuple) and len(value) == 1:
        return value[0]
    return tuple(value) if isinstance(value, list) else value


NAME_PATTERN = r"^[^\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME_PATTERN)]
CardName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=NAME_PATTERN)]
StageName = Annotated[str, StringConstraints(min_length=1, max_length=30, pattern=NAME_PATTERN)]
EventType = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^(?:[A-Za-z0-9_]+|\*)$")]
EventTypes = Annotated[
    EventType | Annotated[tuple[EventType, ...], Field(min_length=1, max_length=MAX_LIST)],
    BeforeValidator(_types),
]
FieldPath = Annotated[str, StringConstraints(max_length=200, pattern=r"^(?:properties|traits|context)(?:\.[^.]+)+$")]
Number = Annotated[Decimal, BeforeValidator(_number)]
Points = Annotated[Decimal, BeforeValidator(lambda value: _small(_number(value)))]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_in_calendar)]
HalfLife = Annotated[float, BeforeValidator(_days), Field(ge=0.01, le=36_500)]
Scalar = str | int | float | bool
Operator = Literal["eq", "ne", "in", "contains", "starts_with", "matches", "gt", "gte", "lt", "lte", "exists"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Comparison(_Strict):
    """One test of one field; `value` may be left out for `exists` only, where it means true."""

    field: FieldPath
    op: Operator
    value: Annotated[Any, BeforeValidator(_value)] = None


class AllOf(_Strict):
    all: Annotated[tuple["Condition", ...], Field(min_length=1)]


class AnyOf(_Strict):
    any: Annotated[tuple["Condition", ...], Field(min_length=1)]


class Negation(_Strict):
    not_: "Condition" = Field(alias="not")


def _branch(value: object) -> str:
    if isinstance(value, Mapping):
        return next((key for key in ("all", "any", "not") if key in value), "comparison")
    if isinstance(value, Negation):
        return "not"
    return "all" if isinstance(value, AllOf) else "any" if isinstance(value, AnyOf) else "comparison"


Condition = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Negation, Tag("not")]
    | Annotated[Comparison, Tag("comparison")],
    Discriminator(_branch),
]


class CapSpec(_Strict):
    """How often a rule counts: `times` per lead or window, and per value of `distinct` when it is given."""

    times: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1
    per: Literal["lead", "day", "week", "month"] = "lead"
    distinct: FieldPath | None = None


class RuleSpec(_Strict):
    name: Name
    event: EventTypes = "*"
    when: Condition | None = None
    points: Points
    active: Annotated[bool, Field(strict=True)] = True
    cap: CapSpec | None = None
    expires_after_days: Annotated[int, Field(ge=1, le=36_500, strict=True)] | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    group: Name | None = None


class StageSpec(_Strict):
    """A stage from `min` points up; it is left downward only below `min − hysteresis`."""

    name: StageName
    min: Number
    hysteresis: Annotated[Number, Field(ge=0)] = Decimal("0.00")


class GroupSpec(_Strict):
    name: Name
    max: Annotated[Number, Field(ge=0)]


DEFAULT_STAGES = (
    StageSpec(name="cold", min=Decimal(0)),
    StageSpec(name="warm", min=Decimal(20)),
    StageSpec(name="hot", min=Decimal(50)),
    StageSpec(name="qualified", min=Decimal(100)),
)


class ScorecardSpec(_Strict):
    name: CardName
    basis: Literal["events", "traits"] = "events"
    floor: Number = Decimal("0.00")
    cap: Number = Decimal("10000.00")
    half_life_days: HalfLife | None = None
    stages: Annotated[tuple[StageSpec, ...], Field(min_length=1, max_length=MAX_STAGES)] = DEFAULT_STAGES
    rules: Annotated[tuple[RuleSpec, ...], Field(max_length=MAX_RULES)] = ()
    groups: Annotated[tuple[GroupSpec, ...], Field(max_length=MAX_GROUPS)] = ()


class TestEvent(_Strict):
    """An event of a ruleset's test, written as it is sent to the API."""

    __test__ = False

    event_type: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(alias="eventType")
    timestamp: Moment
    event_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        default=None, alias="eventId"
    )
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}

    @field_validator("event_type")
    @classmethod
    def _plain(cls, value: str) -> str:
        if value == "adjustment":
            raise PydanticCustomError("event_type", "a test cannot hold adjustments, which no rule scores")
        return value


class Expected(_Strict):
    score: Number | None = None
    stage: StageName | None = None


class Expectation(Expected):
    """What the primary scorecard should come to, and others by their names."""

    scorecards: dict[str, Expected] = {}


class TestSpec(_Strict):
    __test__ = False

    name: Name
    events: Annotated[tuple[TestEvent, ...], Field(max_length=MAX_TEST_EVENTS)] = ()
    traits: dict[str, Any] = {}
    as_of: Moment | None = None
    expect: Expectation


class RulesetSpec(_Strict):
    """A whole ruleset; the first scorecard is the primary one."""

    scorecards: Annotated[tuple[ScorecardSpec, ...], Field(min_length=1, max_length=MAX_SCORECARDS)]
    tests: Annotated[tuple[TestSpec, ...], Field(max_length=MAX_TESTS)] = ()


AllOf.model_rebuild()
AnyOf.model_rebuild()
Negation.model_rebuild()
