"""Events as Segment's clients and their relatives send them (https://segment.com/docs/connections/spec/).

From the bytes of a request to the facts that are stored, or to a reason why not. Where the published clients differ,
the more lenient reading is taken: a field that cannot be read costs itself, not its event, unless it says whose event
it is, which one, or what it holds.
"""

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, Field, RootModel, ValidationError
from pydantic_core import to_json

from ingest.core.events import (
    EARLIEST,
    MAX_EXTERNAL_IDS,
    IncomingEvent,
    Problem,
    Refused,
    external_names,
    parse_body,
    parse_moment,
    refusal_of,
)
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.core.trees import TreeRefused, clean_tree

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2_500
MAX_SHARED_BYTES = 2 * 1024 * 1024  # a context that is copied to every event must not make a small batch a large one
MAX_DEPTH = 20
MAX_ID_LENGTH = 100
MAX_TYPE_LENGTH = 64
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this is the year 5138, as milliseconds 1973

Call = Literal["track", "identify", "page", "screen", "group", "alias"]
CALLS: tuple[Call, ...] = get_args(Call)
_EVENT_TYPES = {"page": "page_view", "screen": "screen_view"}


def _text_of_id(value: object) -> object:
    """Return an id as text: clients send numbers, and empty text for an id there is not."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("must be text or a number")
    if isinstance(value, int | float):
        return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)
    return value.replace("\x00", "").strip() or None if isinstance(value, str) else value


def moment_or_none(value: object) -> datetime | None:
    """Return a time given as RFC 3339 text or in seconds or milliseconds since 1970; `None` if it is none."""
    try:
        if isinstance(value, str):
            return parse_moment(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            moment = datetime.fromtimestamp(value / (1000 if value >= _MILLISECONDS_FROM else 1), UTC)
            return max(moment, EARLIEST)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _object(value: object) -> object:
    """Return an empty object for what PHP makes of one: an empty list."""
    return {} if value is None or value == [] else value


def _text(value: object) -> str:
    return value.replace("\x00", "") if isinstance(value, str) else ""


Id = Annotated[Annotated[str, Field(max_length=MAX_LENGTH)] | None, BeforeValidator(_text_of_id)]
LongId = Annotated[str | None, BeforeValidator(_text_of_id)]
Moment = Annotated[datetime | None, BeforeValidator(moment_or_none)]
Tree = Annotated[dict[str, Any], BeforeValidator(_object)]
Text = Annotated[str, BeforeValidator(_text)]


class SegmentEvent(BaseModel):
    """One call on the wire. Fields it does not name are ignored."""

    event: Text = ""
    message_id: Annotated[LongId, Field(alias="messageId")] = None
    user_id: Annotated[Id, Field(alias="userId")] = None
    anonymous_id: Annotated[Id, Field(alias="anonymousId")] = None
    previous_id: Annotated[Id, Field(alias="previousId")] = None
    group_id: Annotated[Id, Field(alias="groupId")] = None
    name: Text = ""
    category: Text = ""
    timestamp: Moment = None
    original_timestamp: Annotated[Moment, Field(alias="originalTimestamp")] = None
    sent_at: Annotated[Moment, Field(alias="sentAt")] = None
    properties: Tree = {}
    traits: Tree = {}
    context: Tree = {}


class SegmentBatch(BaseModel):
    """The envelope around several calls."""

    batch: list[Any]
    sent_at: Annotated[Moment, Field(alias="sentAt")] = None
    context: Tree = {}


class _Object(RootModel[dict[str, Any]]):
    """Any JSON object."""


def parse_call(call: Call, body: bytes, *, sent_at: str | None = None) -> IncomingEvent:
    """Return the one event in a request body; raise `Refused`. `sent_at`: what a header says, if the body does not."""
    raw = parse_body(_Object, body).root
    return _event(raw, call=call, sent_at=moment_or_none(sent_at))


def parse_calls(body: bytes, *, sent_at: str | None = None) -> list[IncomingEvent | Refused]:
    """Return the events of `{"batch": […]}`, each one either usable or refused; raise `Refused` for the whole body."""
    envelope = parse_body(SegmentBatch, body)
    count = len(envelope.batch)
    if count > MAX_BATCH_EVENTS:
        raise Refused("too_large", (Problem(pointer="/batch", detail=f"has more than {MAX_BATCH_EVENTS:,} events"),))
    if envelope.context and count * len(to_json(envelope.context)) > MAX_SHARED_BYTES:
        raise Refused("too_large", (Problem(pointer="/context", detail="is too large for so many events"),))
    otherwise = envelope.sent_at or moment_or_none(sent_at)
    return [_event_or_refused(raw, shared=envelope.context, sent_at=otherwise) for raw in envelope.batch]


def event_type_of(name: str) -> str:
    """Return the event type that a free name is stored as; empty if nothing of it is left.

    Accents are dropped (Unicode's NFKD without combining marks); then every run of Latin letters and digits is a word
    in small letters, and the words are joined by `_`: “Pricing Viewed” is `pricing_viewed`, “Café: Menü” `cafe_menu`.
    The first 64 characters count. The browser SDK makes the same of names in ASCII.
    """
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name[:1000]) if not unicodedata.combining(letter)
    )
    return "_".join(re.findall(r"[a-z0-9]+", plain.lower()))[:MAX_TYPE_LENGTH]


def _event_or_refused(raw: object, *, shared: Mapping[str, Any], sent_at: datetime | None) -> IncomingEvent | Refused:
    try:
        if not isinstance(raw, dict):
            raise _invalid("", "must be an object")
        call = raw.get("type") or raw.get("action")
        if call not in CALLS:
            raise _invalid("/type", f"must be one of {', '.join(CALLS)}")
        if shared:
            own = raw.get("context")
            raw = raw | {"context": _merged(shared, own) if isinstance(own, dict) else dict(shared)}
        return _event(raw, call=call, sent_at=sent_at)
    except Refused as refused:
        return refused


def _event(raw: dict[str, Any], *, call: Call, sent_at: datetime | None) -> IncomingEvent:
    if len(to_json(raw)) > MAX_EVENT_BYTES:
        raise Refused("too_large", (Problem(pointer="", detail=f"is larger than {MAX_EVENT_BYTES:,} bytes"),))
    try:
        event = SegmentEvent.model_validate(raw)
    except ValidationError as error:
        raise refusal_of(error) from None
    event_type = _EVENT_TYPES.get(call, call) if call != "track" else event_type_of(event.event)
    if not event_type:
        raise _invalid("/event", "must have a Latin letter or a digit")
    context = _tree("context", event.context)
    known = context.pop("traits", None)
    known = known if isinstance(known, dict) else {}
    traits = _tree("traits", event.traits)
    return IncomingEvent(
        event_type=event_type,
        event_id=_event_id(event.message_id, raw, call=call),
        names=_names(event, call=call, traits=known | traits),
        timestamp=event.original_timestamp or event.timestamp,
        sent_at=event.sent_at or sent_at,
        session_id=_session_id(context),
        properties=_properties(event, call=call, traits=traits),
        # The traits of a `group` describe the group; those of the person stand in its context.
        traits=known if call == "group" else known | traits,
        context=context,
    )


def _event_id(message_id: str | None, raw: Mapping[str, Any], *, call: Call) -> str:
    """Return the event's id: its message id, or for one that is too long or missing what is the same at a retry.

    That is the SHA-256 of the long message id, or of the event itself: its call and all its fields in order of their
    names, but for those that a client fills in anew at every attempt (`sentAt`) or that say who sends (`writeKey`).
    """
    if message_id is not None and len(message_id) <= MAX_ID_LENGTH:
        return message_id
    if message_id is not None:
        content = message_id.encode("utf-8", "surrogatepass")
    else:
        lasting = {name: value for name, value in raw.items() if name not in _FLEETING}
        content = json.dumps([call, lasting], sort_keys=True).encode()
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


_FLEETING = frozenset({"sentAt", "writeKey", "apiKey", "messageId", "type", "action"})


def _names(event: SegmentEvent, *, call: Call, traits: Mapping[str, Any]) -> tuple[Name, ...]:
    names = []
    if event.user_id:
        names.append(Name("user_id", event.user_id))
    if event.anonymous_id:
        names.append(Name("anonymous_id", event.anonymous_id))
    if call == "alias" and event.previous_id and event.previous_id != event.anonymous_id:
        names.append(Name("anonymous_id", event.previous_id))  # which is what clients alias: the visitor before log-in
    names += _external_names(event.context.get("externalIds"))
    email = traits.get("email")
    if not names and isinstance(email, str) and is_email(email):
        names.append(Name("email", normal_email(email)))
    if not names:
        raise _invalid("", "must have one of userId or anonymousId")
    return tuple(names)


def _external_names(ids: object) -> list[Name]:
    """Return the ids of other systems that a context names, `[{"id", "type"}]`; what is none is left out."""
    found = {}
    for each in ids[:MAX_EXTERNAL_IDS] if isinstance(ids, list) else ():
        if not isinstance(each, dict) or not isinstance(each.get("type"), str):
            continue
        value = _text_or_none(each.get("id"))
        if value and each["type"] and len(f"{each['type']}:{value}") <= MAX_LENGTH:
            found[each["type"].replace("\x00", "")] = value
    return external_names(found)


def _text_or_none(value: object) -> str | None:
    try:
        text = _text_of_id(value)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _properties(event: SegmentEvent, *, call: Call, traits: dict[str, Any]) -> dict[str, Any]:
    properties = _tree("properties", event.properties)
    match call:
        case "page" | "screen":
            own = {"name": event.name, "category": event.category}
            return {name: value for name, value in own.items() if value} | properties
        case "group":
            return properties | traits | ({"groupId": event.group_id} if event.group_id else {})
        case "alias" if event.previous_id:
            return properties | {"previousId": event.previous_id}
        case _:
            return properties


def _session_id(context: Mapping[str, Any]) -> str:
    session = context.get("sessionId")
    if isinstance(session, bool) or not isinstance(session, str | int):
        return ""
    return str(session) if len(str(session)) <= MAX_ID_LENGTH else ""


def _tree(name: str, tree: dict[str, Any]) -> dict[str, Any]:
    try:
        return clean_tree(tree, max_depth=MAX_DEPTH)
    except TreeRefused as refusal:
        raise _invalid(f"/{name}{refusal.pointer}", refusal.detail) from None


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `over` with what only `under` has, objects within objects alike."""
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        below, above = under[key], over[key]
        if isinstance(below, dict) and isinstance(above, dict):
            merged[key] = _merged(below, above)
    return merged


def _invalid(pointer: str, detail: str) -> Refused:
    return Refused("invalid", (Problem(pointer=pointer, detail=detail),))
