"""Which events somebody says do not count, or do: named one by one, or as a range."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ingest.core.events import Moment, Problem, Refused, parse_body

MAX_EVENTS = 1_000
MAX_BODY_BYTES = 512 * 1024
MAX_REASON = 500
MAX_AGENT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What all events of a range have in common. Times are event times: from one on, and before another."""

    lead_id: str | None = None
    event_type: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    user_agent: str | None = None

    @property
    def is_everything(self) -> bool:
        return self == Range()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The events that are meant: those of these ids, or, if there are none, those of a range."""

    event_ids: tuple[str, ...] = ()
    within: Range = Range()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A selection, why, and whether its events are only to be counted."""

    selection: Selection
    reason: str
    trial: bool


def _text(value: object) -> object:
    return " ".join(value.replace("\x00", "").split()) if isinstance(value, str) else value


def _without_nul(value: object) -> object:
    """Leave out what no column holds, and events of their own are stored without."""
    return value.replace("\x00", "") if isinstance(value, str) else value


Id = Annotated[Annotated[str, Field(min_length=1, max_length=100)], BeforeValidator(_without_nul)]


class RangeFields(BaseModel):
    """The wire format of a range. At least one field."""

    model_config = ConfigDict(strict=True, extra="forbid")

    lead_id: Annotated[Id | None, Field(alias="leadId")] = None
    event_type: Annotated[
        Annotated[str, Field(min_length=1, max_length=64)] | None,
        BeforeValidator(_without_nul),
        Field(alias="eventType"),
    ] = None
    begin: Annotated[Moment | None, Field(alias="from", description="Event time, included.")] = None
    end: Annotated[Moment | None, Field(alias="to", description="Event time, not included.")] = None
    user_agent: Annotated[
        Annotated[str, Field(min_length=1, max_length=MAX_AGENT)] | None,
        BeforeValidator(_text),
        Field(alias="userAgent", description="A part of it, in any case."),
    ] = None


class RulingFields(BaseModel):
    """The wire format of what to exclude or to include: `eventIds` or a `range`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    event_ids: Annotated[list[Id] | None, Field(alias="eventIds", min_length=1, max_length=MAX_EVENTS)] = None
    within: Annotated[RangeFields | None, Field(alias="range")] = None
    reason: Annotated[Annotated[str, Field(max_length=MAX_REASON)], BeforeValidator(_text)] = ""
    dry_run: Annotated[bool, Field(alias="dryRun", description="Only count what it would touch.")] = False


def parse_wish(body: bytes) -> Wish:
    """Return what a request body wishes; raise `Refused`."""
    fields = parse_body(RulingFields, body)
    if (fields.event_ids is None) == (fields.within is None):
        raise _refused("", "must have either eventIds or a range")
    within = Range() if fields.within is None else Range(**fields.within.model_dump())
    if fields.within is not None:
        check_range(within, pointer="/range")
    selection = Selection(event_ids=tuple(dict.fromkeys(fields.event_ids or ())), within=within)
    return Wish(selection=selection, reason=fields.reason, trial=fields.dry_run)


def check_range(within: Range, *, pointer: str = "") -> None:
    """Raise `Refused` for a range that nobody can mean: one without any bound, or that ends before it begins."""
    if within.is_everything:
        raise _refused(pointer, "must say something: leadId, eventType, from, to or userAgent")
    if within.begin is not None and within.end is not None and within.begin >= within.end:
        raise _refused(f"{pointer}/to", "must be later than from")


def dump_selection(selection: Selection) -> dict[str, Any]:
    """Return a selection as the database keeps it and the API shows it."""
    if selection.event_ids:
        return {"eventIds": list(selection.event_ids)}
    within = selection.within
    shown = {
        "leadId": within.lead_id,
        "eventType": within.event_type,
        "from": within.begin and within.begin.isoformat(),
        "to": within.end and within.end.isoformat(),
        "userAgent": within.user_agent,
    }
    return {"range": {name: value for name, value in shown.items() if value is not None}}


def load_selection(tree: Mapping[str, Any]) -> Selection:
    """Return the selection that `dump_selection` wrote."""
    if "eventIds" in tree:
        return Selection(event_ids=tuple(tree["eventIds"]))
    return Selection(within=Range(**RangeFields.model_validate(tree["range"]).model_dump()))


def _refused(pointer: str, detail: str) -> Refused:
    return Refused("invalid", (Problem(pointer=pointer, detail=detail),))
