"""What the columns of a file mean: found by their names, or said. What we do not know is kept under its own name."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ingest.core.events import Problem
from ingest.core.imports.options import Kind
from ingest.core.segment import event_type_of

IGNORED = ""
TREES = ("properties", "traits", "context")
WHO = ("leadId", "userId", "email", "anonymousId")
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "leads": (*WHO, "timestamp", "timeOfDay"),
    "events": (*WHO, "eventType", "timestamp", "timeOfDay", "eventId", "sessionId"),
}
MAX_COLUMNS = 200
MAX_KEY = 100
MAX_DEPTH = 10

# In the order in which a file's columns are tried, spelled without anything but small letters and digits.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "leadId": ("leadid",),
    "email": (
        *("email", "emailaddress", "mail", "mailaddress", "workemail", "businessemail", "contactemail", "leademail"),
        *("useremail", "primaryemail", "email1value", "emailadresse", "courriel", "correo", "correoelectronico"),
    ),
    "userId": ("userid", "externalid", "customerid", "contactid", "uid", "kundennummer"),
    "anonymousId": ("anonymousid", "anonid", "visitorid", "clientid", "cookieid"),
    "eventType": ("eventtype", "event", "eventname", "activitytype", "activity", "action", "ereignis", "type"),
    "timestamp": (
        *("occurredat", "timestamp", "originaltimestamp", "eventtime", "eventdate", "datetime", "dateandtime", "date"),
        *("activitydate", "when", "createdat", "createddate", "datum", "fecha", "time"),
    ),
    "eventId": ("eventid", "messageid"),
    "sessionId": ("sessionid",),
    "traits.name": ("name", "fullname", "contactname", "leadname", "contact"),
    "traits.first_name": ("firstname", "givenname", "vorname", "prenom"),
    "traits.last_name": ("lastname", "surname", "familyname", "nachname", "nom"),
    "traits.company": ("company", "companyname", "organisation", "organization", "account", "accountname", "firma"),
}
_ONLY_OF_EVENTS = frozenset({"eventType", "timestamp", "eventId", "sessionId"})
_PLAIN_KEY = re.compile(r"[a-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a cell goes: to a field, or to a path in one of the trees; an empty root: nowhere."""

    root: str
    path: tuple[str, ...] = ()


def place_of(target: str) -> Place:
    """Return the place that a target such as `email` or `traits.company` names."""
    root, _, rest = target.partition(".")
    if root not in TREES:
        return Place(root=root)
    return Place(root=root, path=tuple(rest.split(".")) if rest else ())


def recognise(columns: Iterable[str], kind: Kind) -> dict[str, str]:
    """Return the target of every column, whether or not we know its name."""
    columns = list(columns)
    plain = {column: _plain(column) for column in columns}
    found = {column: column for column in columns if _is_target(column, kind) and "." in column}
    if kind == "events" or any(column in TREES for column in columns):
        found |= {column: column for column in columns if column in TREES}
    if kind == "events" and {"date", "time"} <= set(plain.values()):
        found[next(column for column in columns if plain[column] == "time")] = "timeOfDay"
    for target, names in _NAMES.items():
        if kind == "leads" and target in _ONLY_OF_EVENTS:
            continue
        chosen = next((column for name in names for column in columns if plain[column] == name), None)
        if chosen is not None and chosen not in found:
            found[chosen] = target
    return {column: found.get(column) or default_target(column, kind) for column in columns}


def count_known(columns: Sequence[str]) -> int:
    """Return how many of these headers mean something to us, among as many as a file may have."""
    names = {name for names in _NAMES.values() for name in names}
    return sum(_plain(column) in names for column in columns[:MAX_COLUMNS])


def default_target(column: str, kind: Kind) -> str:
    """Return where a column goes whose name means nothing to us: a trait of a lead, a property of an event."""
    return f"{'traits' if kind == 'leads' else 'properties'}.{key_of(column)}"


def key_of(column: str) -> str:
    """Return the key for a column's values, one that rules can name: “Job Title” is `job_title`."""
    if _PLAIN_KEY.fullmatch(column) and len(column) <= MAX_KEY:
        return column
    return event_type_of(column) or column.replace(".", "_").strip()[:MAX_KEY] or "_"


def mapping_problems(mapping: Mapping[str, str], columns: Sequence[str], kind: Kind) -> list[Problem]:
    """Return what is wrong with a mapping that somebody made."""
    problems = [
        Problem(pointer=f"/mapping/{_escaped(column)}", detail="is no column of the file")
        for column in mapping
        if column not in columns
    ]
    problems += [
        Problem(
            pointer=f"/mapping/{_escaped(column)}",
            detail=f"must be one of {', '.join(FIELDS[kind])}, traits.… or properties.…, or empty to leave it out",
        )
        for column, target in mapping.items()
        if target != IGNORED and not _is_target(target, kind)
    ]
    taken: dict[str, str] = {}
    for column, target in mapping.items():
        if target in FIELDS[kind] and taken.setdefault(target, column) != column:
            detail = f"is {target}, as is {taken[target]}: choose one of them"
            problems.append(Problem(pointer=f"/mapping/{_escaped(column)}", detail=detail))
    return problems


def _is_target(target: str, kind: Kind) -> bool:
    place = place_of(target)
    if place.root not in TREES:
        return target in FIELDS[kind]
    if "\x00" in target or len(target) > 2 * MAX_KEY:  # no database keeps a NUL
        return False
    return len(place.path) <= MAX_DEPTH and all(part.strip() for part in place.path)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _plain(column: str) -> str:
    letters = unicodedata.normalize("NFKD", column[:MAX_KEY])
    return re.sub(r"[^a-z0-9]", "", letters.lower())
