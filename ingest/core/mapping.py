"""From the payload of another system's webhook to events of ours, as a mapping says.

A mapping is JSON, with JSONPaths where the payload says something and plain text where it does not. Several paths for
one field are tried in turn: the first that finds something counts. What a mapping cannot make an event of is refused
with pointers to the fields of the mapping.
"""

import hashlib
import json
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    model_validator,
)
from pydantic_core import to_json

from ingest.core.events import IncomingEvent, Problem, Refused, parse_body, refusal_of
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.core.paths import PathInvalid, path_of
from ingest.core.segment import MAX_DEPTH, MAX_EVENT_BYTES, event_type_of, moment_or_none
from ingest.core.trees import TreeRefused, clean_tree

MAX_VALUES = 10_000  # of a payload: with linear paths, what reading one costs at most
MAX_ITEMS = 500
MAX_SEARCHES = 40  # paths with a *, a slice or a filter
MAX_ALTERNATIVES = 5
MAX_EVENT_ID_LENGTH = 100
MAX_SLUG_LENGTH = 24  # leaves room in an event id for a SHA-256


def _path(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a JSONPath, such as $.data.email")  # noqa: TRY004  (pydantic takes no TypeError)
    try:
        path_of(value)
    except PathInvalid as invalid:
        raise ValueError(str(invalid)) from None
    return value


def _value(value: object) -> object:
    return _path(value) if isinstance(value, str) and value.startswith("$") else value


def _alternatives(value: object) -> object:
    return value if isinstance(value, list) or value is None else [value]


def _named(values: list[str]) -> list[str]:
    if not all(text.startswith("$") or event_type_of(text) for text in values):
        raise ValueError("must have a Latin letter or a digit")
    return values


PathText = Annotated[str, BeforeValidator(_path)]
ValueText = Annotated[Annotated[str, Field(min_length=1, max_length=1000)], BeforeValidator(_value)]
Paths = Annotated[list[PathText], Field(max_length=MAX_ALTERNATIVES), BeforeValidator(_alternatives)]
Values = Annotated[list[ValueText], Field(min_length=1, max_length=MAX_ALTERNATIVES), BeforeValidator(_alternatives)]
EventType = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Condition(_Strict):
    """One thing that must hold of a payload: what a path finds is one of these, none of these, or anything at all."""

    path: PathText
    among: Annotated[list[Text] | None, Field(alias="in", max_length=100)] = None
    not_among: Annotated[list[Text] | None, Field(alias="notIn", max_length=100)] = None

    def holds(self, payload: Any) -> bool:
        found = [_in_words(value) for value in path_of(self.path).find(payload)]
        if self.among is not None:
            return any(value in self.among for value in found)
        if self.not_among is not None:
            return not any(value in self.not_among for value in found)
        return any(value != "null" for value in found)


class Mapping(_Strict):
    """Which parts of a payload make which parts of an event."""

    items: PathText | None = None
    when: Annotated[list[Condition], Field(max_length=20)] = []
    event_type: Annotated[Values, AfterValidator(_named), Field(alias="eventType")]
    event_types: Annotated[dict[Text, EventType], Field(alias="eventTypes", max_length=200)] = {}
    others_ignored: Annotated[bool, Field(alias="othersIgnored")] = False
    event_id: Annotated[Paths, Field(alias="eventId")] = []
    timestamp: Paths = []
    user_id: Annotated[Paths, Field(alias="userId")] = []
    email: Paths = []
    anonymous_id: Annotated[Paths, Field(alias="anonymousId")] = []
    traits: Annotated[dict[FieldName, Values], Field(max_length=50)] = {}
    properties: Annotated[dict[FieldName, Values], Field(max_length=50)] = {}

    @model_validator(mode="after")
    def _makes_sense(self) -> "Mapping":
        if not (self.user_id or self.email or self.anonymous_id):
            raise ValueError("must have a path to a userId, an email or an anonymousId: whose event is it?")
        if sum(path_of(text).searches for text in self._paths()) > MAX_SEARCHES:
            raise ValueError(f"must have at most {MAX_SEARCHES} paths with a *, a slice or a filter")
        return self

    def _paths(self) -> list[str]:
        named = [*self.traits.values(), *self.properties.values()]
        sources = [self.event_type, self.event_id, self.timestamp, self.user_id, self.email, self.anonymous_id, *named]
        texts = [text for source in sources for text in source if text.startswith("$")]
        return [*texts, *[condition.path for condition in self.when]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A payload, or an item of one, that the mapping leaves out, and why."""

    reason: str


Reading = IncomingEvent | Ignored | Refused


class _Payload(RootModel[dict[str, Any] | list[Any]]):
    """Any JSON object or array."""


def parse_mapping(tree: object) -> Mapping:
    """Return a mapping; raise `Refused` with a pointer to each mistake in it."""
    try:
        return Mapping.model_validate(tree)
    except ValidationError as error:
        raise refusal_of(error) from None


def parse_payload(body: bytes) -> Any:
    """Return the JSON of a request body; raise `Refused` if it is none, or too much to read."""
    payload = parse_body(_Payload, body).root
    left = MAX_VALUES
    waiting: list[Any] = [payload]
    while waiting:
        value = waiting.pop()
        children = value.values() if isinstance(value, dict) else value
        left -= len(value)
        if left < 0:
            raise Refused("too_large", (Problem(pointer="", detail=f"has more than {MAX_VALUES:,} values in it"),))
        waiting.extend(child for child in children if isinstance(child, dict | list))
    return payload


def read(mapping: Mapping, payload: Any, *, slug: str, webhook_id: str | None = None) -> list[Reading]:
    """Return what a payload is, item by item: events with their ids, items left out, and refusals.

    `slug` names the source: it stands before every event id, so that two sources cannot use the same one. `webhook_id`
    is what the sender signed as the id of the webhook.
    """
    if mapping.items is None:
        return [_read(mapping, payload, slug=slug, otherwise=webhook_id)]
    items = list(path_of(mapping.items).find(payload))
    if not items:
        return [_refused("/items", f"found nothing at {mapping.items}")]
    if len(items) > MAX_ITEMS:
        return [_refused("/items", f"found more than {MAX_ITEMS} items at {mapping.items}")]
    return [
        _read(mapping, item, slug=slug, otherwise=webhook_id and f"{webhook_id}/{index}")
        for index, item in enumerate(items)
    ]


def _read(mapping: Mapping, item: Any, *, slug: str, otherwise: str | None) -> Reading:
    failing = next((condition for condition in mapping.when if not condition.holds(item)), None)
    if failing is not None:
        return Ignored(reason=f"“Only when” does not hold: {failing.path}")
    try:
        event_type = _event_type(mapping, item)
        return event_type if isinstance(event_type, Ignored) else _event(mapping, item, event_type, slug, otherwise)
    except Refused as refused:
        return refused


def _event(mapping: Mapping, item: Any, event_type: str, slug: str, otherwise: str | None) -> IncomingEvent:
    traits, properties = _tree("traits", mapping.traits, item), _tree("properties", mapping.properties, item)
    size = len(to_json([traits, properties]))
    if size > MAX_EVENT_BYTES:
        raise _refused("", f"would make an event of {size:,} bytes; {MAX_EVENT_BYTES:,} are allowed")
    return IncomingEvent(
        event_type=event_type,
        event_id=_event_id(slug, _text(mapping.event_id, item, "/eventId") or otherwise, item),
        names=_names(mapping, item),
        timestamp=_timestamp(mapping, item),
        properties=properties,
        traits=traits,
        context={"source": slug},
    )


def received_at(event: IncomingEvent, moment: datetime) -> IncomingEvent:
    """Return the event as one that came at a moment: if nothing says when it happened, it happened then."""
    return event if event.timestamp else replace(event, timestamp=moment)


def _event_type(mapping: Mapping, item: Any) -> str | Ignored:
    name = _text(mapping.event_type, item, "/eventType")
    if name is None:
        raise _refused("/eventType", f"found nothing at {' or '.join(mapping.event_type)}")
    if name in mapping.event_types:
        return mapping.event_types[name]
    if mapping.others_ignored:
        return Ignored(reason=f"The type “{name[:100]}” is not in the list of types.")
    if not (event_type := event_type_of(name)):
        raise _refused("/eventType", "must have a Latin letter or a digit")
    return event_type


def _event_id(slug: str, known: str | None, item: Any) -> str:
    """Return the event's id: what the sender calls it, or the SHA-256 of its content, the same at a redelivery."""
    if known is not None and len(slug) + 1 + len(known) <= MAX_EVENT_ID_LENGTH:
        return f"{slug}:{known}"
    content = json.dumps([known] if known is not None else item, sort_keys=True)
    return f"{slug}:sha256:{hashlib.sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _names(mapping: Mapping, item: Any) -> tuple[Name, ...]:
    names = []
    if user_id := _text(mapping.user_id, item, "/userId"):
        names.append(Name("user_id", user_id))
    email = _text(mapping.email, item, "/email")
    if email is not None and is_email(email):
        names.append(Name("email", normal_email(email)))
    if anonymous_id := _text(mapping.anonymous_id, item, "/anonymousId"):
        names.append(Name("anonymous_id", anonymous_id))
    for name in names:
        if len(name.value) > MAX_LENGTH:
            pointer = {"user_id": "/userId", "email": "/email", "anonymous_id": "/anonymousId"}[name.kind]
            raise _refused(pointer, f"is longer than {MAX_LENGTH} characters")
    if not names and email is not None:
        raise _refused("/email", "found something that is no e-mail address")
    if not names:
        raise _refused("", "found no userId, email or anonymousId: whose event is it?")
    return tuple(names)


def _timestamp(mapping: Mapping, item: Any) -> datetime | None:
    value = _first(mapping.timestamp, item)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if (moment := moment_or_none(value)) is None:
        raise _refused("/timestamp", "found neither RFC 3339 text nor seconds or milliseconds since 1970")
    return moment


def _tree(field: str, named: ReadOnly[str, Sequence[str]], item: Any) -> dict[str, Any]:
    found = {name: _first(sources, item) for name, sources in named.items()}
    try:
        return clean_tree({name: value for name, value in found.items() if value is not None}, max_depth=MAX_DEPTH)
    except TreeRefused as refusal:
        raise _refused(f"/{field}{refusal.pointer}", refusal.detail) from None


def _first(sources: Sequence[str], item: Any) -> Any:
    """Return what the first source that says something says."""
    for text in sources:
        value = path_of(text).first(item) if text.startswith("$") else text
        if value is not None and value != "":
            return value
    return None


def _text(sources: Sequence[str], item: Any, pointer: str) -> str | None:
    """Return the text or number that is found, as text without NUL characters; `None` for nothing or blanks."""
    value = _first(sources, item)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _refused(pointer, "found something that is neither text nor a number")
    return _in_words(value).replace("\x00", "").strip() or None


def _in_words(value: Any) -> str:
    """Return a JSON value as people write it in a mapping: `true`, `42`, `paid`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    try:
        return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
    except ValueError:  # an integer of thousands of digits
        return "∞"


def _refused(pointer: str, detail: str) -> Refused:
    return Refused("not_mapped", (Problem(pointer=pointer, detail=detail),))


def shown(event: IncomingEvent) -> dict[str, Any]:
    """Return an event as the native wire format would write it, to be looked at."""
    wire = {"user_id": "userId", "email": "email", "anonymous_id": "anonymousId"}
    return {
        "eventType": event.event_type,
        "eventId": event.event_id,
        **{wire[name.kind]: name.value for name in event.names},
        **({"timestamp": event.timestamp.isoformat()} if event.timestamp else {}),
        **({"traits": dict(event.traits)} if event.traits else {}),
        **({"properties": dict(event.properties)} if event.properties else {}),
    }
