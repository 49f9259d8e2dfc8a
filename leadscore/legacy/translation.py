"""The original's documents in our terms. Plain Python: documents in, values out; nothing is read or stored here.

There are several generations of the original, and their fields are nowhere promised. So every field may be missing, of
another type or called otherwise; a document that cannot be used gives a `Skip` that says why, never an exception.
"""

import math
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from ingest.core.events import MAX_EVENT_BYTES, IncomingEvent, parse_moment
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.core.segment import MAX_DEPTH, MAX_ID_LENGTH, event_type_of
from ingest.core.trees import MAX_INTEGER, TreeRefused, clean_tree

Document = Mapping[str, Any]

NO_PROJECT = "none"  # stands for the project of documents of the first generation, which knew no projects
_OURS = uuid5(NAMESPACE_URL, "leadscore:legacy")
_TYPE = re.compile(r"[A-Za-z0-9_]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MOST_POINTS = 1_000_000
_CAP = 1_000_000  # the original has none

# --- What documents become -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A document that is not taken over, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyProject:
    """A project; `key` is the old API key if it can serve as a write key, `per_minute` the old limit if it had one."""

    oid: str
    name: str
    created_at: datetime | None = None
    key: str | None = None
    per_minute: int | None = None
    active: bool = True

    @property
    def id(self) -> UUID:
        return project_id_of(self.oid)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyLead:
    """A lead, as the event that makes it known; where it stood is kept for the comparison."""

    oid: str
    project: str
    event: IncomingEvent
    score: Decimal | None
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyEvent:
    """An event of a lead (`None`: of whom its names mean); `scored` is what the original says of itself."""

    project: str | None
    lead: str | None
    event: IncomingEvent
    scored: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyStep:
    """A row of the original's score history."""

    lead: str
    delta: Decimal


def project_id_of(oid: str) -> UUID:
    """Return the id that a project gets here, the same each time."""
    return uuid5(_OURS, f"project:{oid}")


def lead_event_id(oid: str) -> str:
    """Return the id of the event that makes a lead known: how it is found again."""
    return f"legacy-lead-{oid}"[:MAX_ID_LENGTH]


# --- Documents -----------------------------------------------------------------------------------------------------


def project_of(document: Document) -> LegacyProject | Skip:
    """Return a document of `projects` as a project."""
    oid = _oid(document.get("_id"))
    if oid is None:
        return Skip(reason="has no _id")
    key = document.get("apiKey")
    limit = _number(document.get("rateLimit"))
    return LegacyProject(
        oid=oid,
        name=_text(document.get("name"))[:100] or f"Project {oid[-6:]}",
        created_at=_moment(document.get("createdAt")) or _made_at(document),
        key=key if isinstance(key, str) and _KEY.fullmatch(key) else None,
        per_minute=int(limit) if limit is not None and 1 <= limit <= 1_000_000 else None,
        active=document.get("active") is not False,
    )


def lead_of(document: Document) -> LegacyLead | Skip:
    """Return a document of `leads` as the event that makes the lead known, with all it is called and known for."""
    oid = _oid(document.get("_id"))
    if oid is None:
        return Skip(reason="has no _id")
    traits = _tree(document.get("traits")) or {}
    for trait in ("name", "email", "company"):
        if text := _text(document.get(trait)):
            traits[trait] = text[:MAX_LENGTH]
    names = _names(document)
    return LegacyLead(
        oid=oid,
        project=_oid(document.get("projectId")) or NO_PROJECT,
        event=IncomingEvent(
            event_type="lead_created",
            kind="profile",
            event_id=lead_event_id(oid),
            # A lead that nobody can name is called by its old id, so that it exists.
            names=names or (Name("anonymous_id", f"legacy-{oid}"),),
            timestamp=_moment(document.get("createdAt")) or _made_at(document),
            traits=traits,
        ),
        score=_number(document.get("currentScore")),
        stage=_text(document.get("leadStage")) or _text(document.get("status")),
    )


def event_of(document: Document) -> LegacyEvent | Skip:
    """Return a document of `events` as an event with its own id and time."""
    oid = _oid(document.get("_id"))
    told_id = _text(document.get("eventId"))
    event_id = told_id if 0 < len(told_id) <= MAX_ID_LENGTH else f"legacy-{oid}"[:MAX_ID_LENGTH]
    if oid is None and event_id != told_id:
        return Skip(reason="has neither an _id nor an eventId")
    event_type = type_of(document.get("eventType") or document.get("event"))
    if not event_type:
        return Skip(reason="has no type that can be stored")
    happened = _moment(document.get("timestamp")) or _moment(document.get("createdAt")) or _made_at(document)
    if happened is None:
        return Skip(reason="has no time")
    lead, names = _oid(document.get("leadId") or document.get("lead")), _names(document)
    if lead is None and not names:
        return Skip(reason="belongs to nobody: it has neither a leadId nor an identifier")
    told = document.get("properties") or document.get("metadata") or {}
    properties = _tree(told)
    return LegacyEvent(
        project=_oid(document.get("projectId")),
        lead=lead,
        event=IncomingEvent(
            event_type=event_type,
            event_id=event_id,
            names=names,
            timestamp=happened,
            session_id=session if len(session := _text(document.get("sessionId"))) <= MAX_ID_LENGTH else "",
            properties=properties or {},
        ),
        scored=document.get("processed") is not False,
        note="" if properties is not None else "came without their properties, which are too large or no JSON object",
    )


def step_of(document: Document) -> LegacyStep | Skip:
    """Return a document of `scorehistories` as what it added to whose score."""
    lead, delta = _oid(document.get("leadId")), _number(document.get("delta"))
    if lead is None:
        return Skip(reason="names no lead")
    if delta is None:
        old, new = _number(document.get("oldScore")), _number(document.get("newScore"))
        if old is None or new is None:
            return Skip(reason="names no points")
        delta = new - old
    return LegacyStep(lead=lead, delta=delta)


# --- Rules ---------------------------------------------------------------------------------------------------------


def rules_of(documents: Iterable[Document]) -> tuple[list[tuple[str | None, dict[str, Any]]], list[Skip]]:
    """Return the documents of `scoringrules` as rules of a ruleset tree, each with its project (`None`: all projects).

    The original looks a rule up by its event type, so there is one for each; the last one stored counts.
    """
    found: dict[tuple[str | None, str], dict[str, Any]] = {}
    skipped = []
    for document in documents:
        project = _oid(document.get("projectId"))
        event_type, points = type_of(document.get("eventType")), _number(document.get("points"))
        if not event_type:
            skipped.append(Skip(reason="has no event type that can be stored"))
        elif points is None or abs(points) > _MOST_POINTS:
            skipped.append(Skip(reason="has no points that can be used"))
        else:
            if (project, event_type) in found:
                skipped.append(Skip(reason="is for the same event type as a later one"))
            found[project, event_type] = {
                "name": _text(document.get("name"))[:90] or _title(event_type),
                "event": event_type,
                "points": round(points, 2),
                **({"active": False} if document.get("active") is False else {}),
            }
    return [(project, rule) for (project, _), rule in found.items()], skipped


def ruleset_of(rules: Sequence[dict[str, Any]], stages: Mapping[str, Decimal]) -> dict[str, Any]:
    """Return a ruleset tree with these rules, whose names it makes unique, and stages (name → least score)."""
    named, taken = [], set()
    for rule in rules:
        name, number = rule["name"], 2
        while name in taken:
            name, number = f"{rule['name']} ({number})", number + 1
        taken.add(name)
        named.append(rule | {"name": name})
    levels = [{"name": name, "min": least} for name, least in sorted(stages.items(), key=lambda item: item[1])]
    return {"scorecards": [{"name": "Engagement", "floor": 0, "cap": _CAP, "stages": levels, "rules": named}]}


def type_of(name: object) -> str:
    """Return what an event type of the original is here: the same where it can be, else made of its words."""
    text = _text(name)
    return text if _TYPE.fullmatch(text) else event_type_of(text)


# --- Values --------------------------------------------------------------------------------------------------------


def plain(value: object) -> Any:
    """Return a BSON value as JSON knows it: ids and whatever else is foreign as text, times as RFC 3339."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if -MAX_INTEGER <= value < MAX_INTEGER else str(int(value))
    if isinstance(value, float):
        return value if math.isfinite(value) and abs(value) < MAX_INTEGER else None
    if isinstance(value, datetime):
        return _utc(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return b64encode(value).decode()
    number = _number(value)
    return str(value) if number is None else float(number)


def _tree(value: object) -> dict[str, Any] | None:
    """Return a BSON object as JSON that can be stored; `None` for what is none, too deep or too large."""
    if not isinstance(value, Mapping):
        return None
    try:
        tree = clean_tree(plain(value), max_depth=MAX_DEPTH)
    except (TreeRefused, RecursionError):
        return None
    return tree if len(orjson.dumps(tree)) <= MAX_EVENT_BYTES else None


def _names(document: Document) -> tuple[Name, ...]:
    names = []
    if user_id := _name(document.get("userId")):
        names.append(Name("user_id", user_id))
    email = _text(document.get("email"))
    if email and is_email(email):
        names.append(Name("email", normal_email(email)))
    if anonymous_id := _name(document.get("anonymousId")):
        names.append(Name("anonymous_id", anonymous_id))
    return tuple(names)


def _name(value: object) -> str:
    """Return a name by which clients call a lead; it may be a number or an ObjectId."""
    if hasattr(value, "generation_time") or (isinstance(value, int) and not isinstance(value, bool)):
        value = str(value)
    text = _text(value)
    return text if len(text) <= MAX_LENGTH else ""


def _oid(value: object) -> str | None:
    """Return an id as text: references are sometimes stored as text themselves."""
    if value is None or isinstance(value, bool | Mapping | list):
        return None
    return str(value).replace("\x00", "").strip()[:80] or None


def _text(value: object) -> str:
    return value.replace("\x00", "").strip() if isinstance(value, str) else ""


def _title(event_type: str) -> str:
    return event_type.replace("_", " ").strip().capitalize() or event_type


def _number(value: object) -> Decimal | None:
    """Return a finite number, of whichever of BSON's four types of numbers."""
    if isinstance(value, bool):
        return None
    if to_decimal := getattr(value, "to_decimal", None):
        value = to_decimal()
    if not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() and abs(number) < Decimal("1e15") else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, str):
        try:
            return parse_moment(value)
        except ValueError:
            return None
    number = _number(value)
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(float(number) / 1000, UTC)  # JavaScript's Date.now()
    except (ValueError, OverflowError, OSError):
        return None


def _made_at(document: Document) -> datetime | None:
    """Return when a document was made, which its ObjectId says to the second."""
    made = getattr(document.get("_id"), "generation_time", None)
    return made if isinstance(made, datetime) else None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
