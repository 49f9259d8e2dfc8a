"""A record as the event it stands for, or the reason why it stands for none.

An imported lead is an event too: that somebody told us its traits. So one path stores both, and both are stored once.
"""

import hashlib
import math
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ingest.core.events import FUTURE_TOLERANCE, IncomingEvent
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.core.imports.columns import MAX_COLUMNS, TREES, Place, place_of, recognise
from ingest.core.imports.layout import Layout
from ingest.core.imports.moments import Moments
from ingest.core.imports.records import Record
from ingest.core.segment import event_type_of
from ingest.core.trees import TreeRefused, clean_tree

LEAD_EVENT_TYPE = "lead_imported"
MAX_ID = 100
MAX_DEPTH = 20
_NATIVE_TYPE = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record that stands for an event. Without an id of its own it has a digest of its content instead."""

    line: int
    event: IncomingEvent
    digest: bytes | None

    def event_id(self, occurrence: int) -> str:
        """Return the event's id; `occurrence`: how many rows of the same content the file has before this one."""
        if self.event.event_id is not None:
            return self.event.event_id
        digest = (self.digest or b"").hex()
        return f"import:{digest}:{occurrence + 1}" if occurrence else f"import:{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that is not taken: where it stands, what it says, and why."""

    line: int
    raw: str
    reason: str


class _Unusable(Exception):
    """What is wrong with a record, in words that follow “This row”."""


class Converter:
    """Turns the records of a file into rows. `now`: what happens later is refused, with five minutes' tolerance."""

    def __init__(self, layout: Layout, *, now: datetime) -> None:
        zone = UTC if layout.time_zone == "UTC" else ZoneInfo(layout.time_zone)
        self._layout = layout
        self._latest = now + FUTURE_TOLERANCE
        self._moments = Moments(zone=zone, order=layout.date_order)
        self._places = {column: place_of(target) for column, target in layout.mapping.items()}
        self._dated = any(place.root == "timestamp" for place in self._places.values())

    def convert(self, record: Record) -> Row | Rejected:
        """Return what a record stands for."""
        if record.problem:
            return Rejected(line=record.line, raw=record.raw, reason=f"This row {record.problem}.")
        try:
            return self._row(record)
        except _Unusable as unusable:
            return Rejected(line=record.line, raw=record.raw, reason=f"This row {unusable}.")

    def _row(self, record: Record) -> Row:
        fields: dict[str, Any] = {}
        trees: dict[str, dict[str, Any]] = {}
        for column, value in record.content.items():
            place = self._places.get(column) or self._place_of(column)
            if place.root in TREES:
                _put(trees.setdefault(place.root, {}), place, value)
            elif place.root:
                fields[place.root] = value
        if self._layout.format == "jsonl":
            trees = {name: _cleaned(name, tree) for name, tree in trees.items()}
        event_id = _text(fields, "eventId")
        if event_id is not None and len(event_id) > MAX_ID:
            event_id = f"sha256:{hashlib.sha256(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
        event = self._lead(fields, trees) if self._layout.kind == "leads" else self._event(fields, trees, event_id)
        return Row(line=record.line, event=event, digest=None if event_id else self._digest(record.content))

    def _place_of(self, column: str) -> Place:
        """Return where a field goes that the sample of JSON Lines did not have."""
        if len(self._places) > 50 * MAX_COLUMNS:  # a file that names its fields by chance must not fill the memory
            return place_of(_known(column, self._layout.kind))
        return self._places.setdefault(column, place_of(_known(column, self._layout.kind)))

    def _event(
        self, fields: Mapping[str, Any], trees: Mapping[str, dict[str, Any]], event_id: str | None
    ) -> IncomingEvent:
        lead_id = _text(fields, "leadId")
        names = _names(fields)
        if not names and lead_id is None:
            raise _Unusable("does not say whose event it is: it needs an e-mail, a user id or an anonymous id")
        session = _text(fields, "sessionId") or ""
        if len(session) > MAX_ID:
            raise _Unusable(f"has a session id of more than {MAX_ID} characters")
        return IncomingEvent(
            event_type=self._type(fields),
            event_id=event_id,
            lead_id=lead_id,
            names=names,
            timestamp=self._moment(fields),
            session_id=session,
            properties=trees.get("properties", {}),
            traits=trees.get("traits", {}),
            context=trees.get("context", {}),
        )

    def _lead(self, fields: Mapping[str, Any], trees: Mapping[str, dict[str, Any]]) -> IncomingEvent:
        traits = trees.get("traits", {})
        lead_id = _text(fields, "leadId")
        names = _names(fields)
        for name in names:
            if name.kind == "email":
                traits["email"] = name.value
        if not names and lead_id is None and not traits:
            raise _Unusable("says nothing about a lead: it needs an e-mail, a user id or at least a name")
        return IncomingEvent(
            event_type=LEAD_EVENT_TYPE,
            kind="profile",
            lead_id=lead_id,
            names=names,
            timestamp=self._moment(fields),
            properties=trees.get("properties", {}),
            traits=traits,
            context=trees.get("context", {}),
        )

    def _type(self, fields: Mapping[str, Any]) -> str:
        name = _text(fields, "eventType") or self._layout.event_type
        if not name:
            raise _Unusable("has no event type")
        if self._layout.format == "jsonl" and _NATIVE_TYPE.fullmatch(name):
            return name
        event_type = _type_of(name)
        if not event_type:
            raise _Unusable(f"has the event type “{name[:40]}”, which has no Latin letter or digit")
        return event_type

    def _moment(self, fields: Mapping[str, Any]) -> datetime | None:
        text = _text(fields, "timestamp")
        if text is None:
            if self._dated:
                raise _Unusable("does not say when it happened")
            return None
        if time_of_day := _text(fields, "timeOfDay"):
            text = f"{text} {time_of_day}"
        try:
            moment = self._moments.read(text)
        except ValueError as error:
            raise _Unusable(f"has a time that cannot be used: {error}") from None
        if moment > self._latest:
            raise _Unusable(f"lies in the future ({text[:40]}): is the time zone right?")
        return moment

    def _digest(self, content: Mapping[str, Any]) -> bytes:
        """Return what is the same for rows that say the same, whatever the order of columns or the spelling of CSV.

        What a file says, not what we make of it: reading it anew with another mapping must not store it twice. The
        event type that was said for the whole file belongs to it: the same list of people may have done two things.
        """
        said = [self._layout.kind, self._layout.event_type, content]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).digest()


@lru_cache(maxsize=1024)
def _type_of(name: str) -> str:
    return event_type_of(name)


@lru_cache(maxsize=1024)
def _known(column: str, kind: Any) -> str:
    return recognise([column], kind)[column]


def _names(fields: Mapping[str, Any]) -> tuple[Name, ...]:
    names = []
    for field, kind in (("userId", "user_id"), ("email", "email"), ("anonymousId", "anonymous_id")):
        value = _text(fields, field)
        if value is None:
            continue
        if kind == "email":
            if not is_email(value):
                raise _Unusable(f"has “{value[:60]}” as its e-mail, which is none")
            value = normal_email(value)
        elif len(value) > MAX_LENGTH:
            raise _Unusable(f"has a {field} of more than {MAX_LENGTH} characters")
        names.append(Name(kind, value))
    return tuple(names)


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a field as text, `None` if it is not there or empty; numbers are how many programs write ids."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return value.replace("\x00", "").strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Unusable(f"has a {name} that is neither text nor a number")
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def _put(tree: MutableMapping[str, Any], place: Place, value: Any) -> None:
    if not place.path:
        if value is None:
            return
        if not isinstance(value, dict):
            raise _Unusable(f"has {place.root} that are no object")
        tree.update(value)
        return
    for key in place.path[:-1]:
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            raise _Unusable(f"has both a value and more below {place.root}.{key}")
        tree = below
    tree[place.path[-1]] = value


def _cleaned(name: str, tree: dict[str, Any]) -> dict[str, Any]:
    try:
        return clean_tree(tree, max_depth=MAX_DEPTH)
    except TreeRefused as refusal:
        raise _Unusable(f"has a value that cannot be stored at {name}{refusal.pointer}: it {refusal.detail}") from None
