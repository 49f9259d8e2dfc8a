"""Events as clients send them: from the bytes of a request to the facts that are stored, or to a reason why not."""

import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.core.trees import TreeRefused, clean_tree, escaped

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_BATCH_EVENTS = 1_000
MAX_PROPERTIES_BYTES = 5 * 1024
MAX_PROPERTIES_DEPTH = 2
MAX_EXTERNAL_IDS = 10
FUTURE_TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
TRAIT_EVENT_TYPE = "identify"
JOINING_EVENT_TYPES = frozenset({"identify", "alias"})

M = TypeVar("M", bound=BaseModel)

# Escapes of surrogates in a JSON string, after whatever escaped backslashes: a whole pair, or half of one.
_SURROGATES = re.compile(
    rb"(?<!\\)((?:\\\\)*+)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
MAX_REPAIRS = 100_000  # far above what a batch of people's texts holds; without a bound a stranger's body costs seconds
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a request: where (a JSON pointer) and what, in words."""

    pointer: str
    detail: str


@dataclass(eq=False)
class Refused(Exception):
    """A request, or one event of a batch, that is not taken; `code` is stable, such as `invalid` or `too_large`."""

    code: str
    problems: tuple[Problem, ...]

    @property
    def detail(self) -> str:
        return "; ".join(f"{problem.pointer or 'The body'} {problem.detail}" for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEvent:
    """An event that may be stored. Times are the client's own; `occurred_at` is decided when it is received."""

    event_type: str
    event_id: str | None = None
    lead_id: str | None = None
    names: tuple[Name, ...] = ()
    timestamp: datetime | None = None
    sent_at: datetime | None = None
    session_id: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["activity", "profile", "adjustment", "merge"] = "activity"

    @property
    def joins(self) -> bool:
        """Return whether its names are said to be one person's, so that the leads they mean become one."""
        return self.kind == "activity" and self.event_type in JOINING_EVENT_TYPES

    @property
    def all_names(self) -> tuple[Name, ...]:
        """Return its names and the e-mail address among its traits, when that is one that can name somebody."""
        email = self.traits.get("email")
        if not isinstance(email, str) or not is_email(email):
            return self.names
        return (*self.names, Name("email", normal_email(email)))


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value.strip()):
        raise ValueError("must be a time such as 2026-01-31T10:00:00Z")
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no moment of the calendar") from error
    if moment < EARLIEST:
        raise ValueError("lies before 1970")
    return moment


def parse_moment(text: str) -> datetime:
    """Return the moment that RFC 3339 text names; without a zone it is UTC. Raises `ValueError`, in words."""
    return _moment(text)


def _without_nul(value: object) -> object:
    return value.replace("\x00", "") if isinstance(value, str) else value


def _name(value: object) -> object:
    value = _without_nul(value)
    return value.strip() or None if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
# The limit belongs to the text alone: pydantic would try to measure a name that is null or blank, too.
Identifier = Annotated[Annotated[str, Field(max_length=MAX_LENGTH)] | None, BeforeValidator(_name)]


_SYSTEM_PATTERN = r"^[A-Za-z0-9_.-]{1,50}$"
ExternalSystem = Annotated[str, Field(pattern=_SYSTEM_PATTERN)]


class NativeEvent(BaseModel):
    """The native wire format. Fields it does not name are ignored, so that a newer client can talk to us."""

    model_config = ConfigDict(strict=True)

    event_type: str = Field(validation_alias=AliasChoices("eventType", "event"), pattern=r"^[A-Za-z0-9_]{1,64}$")
    event_id: Annotated[
        Annotated[str, Field(min_length=1, max_length=100)] | None,
        BeforeValidator(_without_nul),
        Field(alias="eventId"),
    ] = None
    lead_id: Annotated[str | None, Field(alias="leadId", max_length=100)] = None
    user_id: Annotated[Identifier, Field(alias="userId")] = None
    anonymous_id: Annotated[Identifier, Field(alias="anonymousId")] = None
    email: Identifier = None
    external_ids: Annotated[
        dict[ExternalSystem, Annotated[str, BeforeValidator(_name), Field(min_length=1, max_length=200)]] | None,
        Field(alias="externalIds", max_length=MAX_EXTERNAL_IDS),
    ] = None
    timestamp: Moment | None = None
    sent_at: Annotated[Moment | None, Field(alias="sentAt")] = None
    session_id: Annotated[
        Annotated[str, Field(max_length=100)] | None, BeforeValidator(_without_nul), Field(alias="sessionId")
    ] = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class NativeBatch(BaseModel):
    events: list[Any]


class _BodyKey(BaseModel):
    api_key: str | None = Field(None, alias="apiKey")
    write_key: str | None = Field(None, alias="writeKey")


def parse_body(model: type[M], body: bytes) -> M:
    """Return what a request body says, read as a `model`; raise `Refused`.

    A byte order mark before the JSON is ignored. Half a surrogate pair, which is what a browser sends of an emoji that
    was cut in two, is read as the replacement character (U+FFFD): it must not cost its whole batch.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        repaired = _with_whole_characters(body)
        if repaired == body:
            raise refusal_of(error) from None
    try:
        return model.model_validate_json(repaired)
    except ValidationError as error:
        raise refusal_of(error) from None


def _with_whole_characters(body: bytes) -> bytes:
    return _SURROGATES.sub(lambda found: found[0] if found[2] else found[1] + rb"\ufffd", body, count=MAX_REPAIRS)


def parse_event(body: bytes) -> IncomingEvent:
    """Return the one event in a request body; raise `Refused`."""
    return _accepted(parse_body(NativeEvent, body))


def parse_batch(body: bytes) -> list[IncomingEvent | Refused]:
    """Return the events of `{"events": […]}`, each one either usable or refused; raise `Refused` for the whole body."""
    batch = parse_body(NativeBatch, body)
    if len(batch.events) > MAX_BATCH_EVENTS:
        raise Refused("too_large", (Problem(pointer="/events", detail=f"has more than {MAX_BATCH_EVENTS:,} events"),))
    return [_accepted_or_refused(event) for event in batch.events]


def key_in_body(body: bytes) -> str | None:
    """Return the `apiKey` or `writeKey` a body carries, if it is an object that carries one."""
    try:
        keys = parse_body(_BodyKey, body)
    except Refused:
        return None
    return keys.api_key or keys.write_key


def occurred_at(event: IncomingEvent, *, received_at: datetime) -> datetime:
    """Return when the event happened, by our clock.

    The client's clock is corrected by the moment it says it sent the request: `receivedAt − (sentAt − timestamp)`
    (Segment's specification, “Clock skew”). What would lie more than five minutes ahead counts as now.
    """
    if event.timestamp is None:
        return received_at
    moment = event.timestamp
    if event.sent_at is not None:
        try:
            moment = received_at - (event.sent_at - event.timestamp)
        except OverflowError:
            moment = EARLIEST if event.sent_at > event.timestamp else received_at
    if moment > received_at + FUTURE_TOLERANCE:
        return received_at
    return max(moment, EARLIEST)


def _accepted_or_refused(raw: object) -> IncomingEvent | Refused:
    try:
        return _accepted(NativeEvent.model_validate(raw))
    except ValidationError as error:
        return refusal_of(error)
    except Refused as refusal:
        return refusal


def _accepted(event: NativeEvent) -> IncomingEvent:
    names = _names(event)
    if not names and event.lead_id is None:
        raise Refused(
            "invalid",
            (Problem(pointer="", detail="must have one of leadId, userId, anonymousId, email or externalIds"),),
        )
    properties = _tree("properties", event.properties)
    return IncomingEvent(
        event_type=event.event_type,
        event_id=event.event_id,
        lead_id=event.lead_id,
        names=names,
        timestamp=event.timestamp,
        sent_at=event.sent_at,
        session_id=event.session_id or "",
        properties=properties,
        traits=_traits(event, properties),
        context=_tree("context", event.context),
    )


def _names(event: NativeEvent) -> tuple[Name, ...]:
    names = []
    if event.user_id:
        names.append(Name("user_id", event.user_id))
    names += external_names(event.external_ids or {})
    if event.email:
        names.append(Name("email", valid_email(event.email, pointer="/email")))
    if event.anonymous_id:
        names.append(Name("anonymous_id", event.anonymous_id))
    return tuple(names)


def external_names(ids: Mapping[str, str]) -> list[Name]:
    """Return the ids that other systems have for somebody, given as `{system: id}`, as names."""
    return [Name("external_id", f"{system}:{value}") for system, value in ids.items()]


def valid_email(address: str, *, pointer: str) -> str:
    """Return the address in its normal spelling; raise `Refused` when it is none."""
    if not is_email(address):
        raise Refused("invalid", (Problem(pointer=pointer, detail="must be an e-mail address"),))
    return normal_email(address)


def _traits(event: NativeEvent, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the traits an event carries: its own, or the properties of an `identify` that has none."""
    if event.traits is None and event.event_type == TRAIT_EVENT_TYPE:
        return properties
    return _tree("traits", event.traits)


def _tree(name: str, tree: dict[str, Any] | None) -> dict[str, Any]:
    if not tree:
        return {}
    return checked_tree(name, tree)


def checked_tree(name: str, tree: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a native event cleaned; raise `Refused` when it is too deep, too large or not storable."""
    try:
        clean = clean_tree(tree, max_depth=MAX_PROPERTIES_DEPTH)
    except TreeRefused as refusal:
        raise Refused("invalid", (Problem(pointer=f"/{name}{refusal.pointer}", detail=refusal.detail),)) from None
    if len(orjson.dumps(clean)) > MAX_PROPERTIES_BYTES:
        raise Refused(
            "too_large", (Problem(pointer=f"/{name}", detail=f"is larger than {MAX_PROPERTIES_BYTES:,} bytes"),)
        )
    return clean


def refusal_of(error: ValidationError) -> Refused:
    """Return pydantic's findings in our words, with pointers in the names of the wire format."""
    problems = tuple(
        Problem(pointer=_pointer(found["loc"]), detail=_words(found["type"], found["msg"], found.get("ctx", {})))
        for found in error.errors(include_url=False, include_input=False)
    )
    code = "invalid_json" if error.errors(include_url=False)[0]["type"] == "json_invalid" else "invalid"
    return Refused(code, problems)


def _pointer(location: Sequence[str | int]) -> str:
    if location[-1:] == ("[key]",):  # pydantic's way to say that not the value is wrong but its name
        location = location[:-1]
    return "".join(f"/{escaped(str(part))}" for part in location)


def _words(kind: str, message: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "json_invalid":
            return f"is not valid JSON: {context.get('error', message)}"
        case "missing":
            return "is required"
        case "string_pattern_mismatch" if context.get("pattern") == _SYSTEM_PATTERN:
            return "must be named by 1 to 50 letters, digits, dots, hyphens or underscores"
        case "string_pattern_mismatch":
            return "must be 1 to 64 letters, digits or underscores"
        case "value_error":
            return str(context.get("error", message))
        case "model_type" | "dict_type":
            return "must be an object"
        case "extra_forbidden":
            return "is no field that can be set"
        case _:
            return re.sub(r"^\w+ should", "must", message)
