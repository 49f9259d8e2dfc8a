"""Suppress names: nothing that carries one is stored any more. Only keyed hashes of them are kept."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from ingest import database
from ingest.core.events import IncomingEvent, Problem, Refused
from ingest.core.identity import Name
from ingest.core.suppression import digest_of
from ingest.ids import new_id
from ingest.models import Identifier, Project, Suppression

SUPPRESSED = "suppressed"
_FIELDS = ("id", "project", "kind", "digest", "reason", "by", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameInUse:
    """Refused: a lead answers to the name. It is erased first, which suppresses all its names."""

    lead_id: UUID


@lru_cache(maxsize=4_096)
def pseudonym_key_of(project_id: UUID) -> bytes:
    """Return the key of a project's pseudonyms. It is made with the project and never changes, so it is read once."""
    return bytes.fromhex(Project.objects.values_list("pseudonym_key", flat=True).get(pk=project_id))


def suppressed_among(project_id: UUID, names: Collection[Name]) -> frozenset[Name]:
    """Return those of these names that are suppressed. One query, none without names."""
    if not names:
        return frozenset()
    key = pseudonym_key_of(project_id)
    digests = {name: digest_of(name, key=key) for name in names}
    found = database.select_rows(Suppression, ("digest",), {"project": project_id, "digest": set(digests.values())})
    taken = {digest for (digest,) in found}
    return frozenset(name for name, digest in digests.items() if digest in taken)


def suppressed(event: IncomingEvent, names: Collection[Name]) -> Refused | None:
    """Return the refusal of an event that carries one of these suppressed names. It does not repeat the name."""
    problems = tuple(
        Problem(pointer=_pointer(event, name), detail="names somebody of whom nothing may be stored")
        for name in event.all_names
        if name in names
    )
    return Refused(SUPPRESSED, problems) if problems else None


def _pointer(event: IncomingEvent, name: Name) -> str:
    match name.kind:
        case "user_id":
            return "/userId"
        case "anonymous_id":
            return "/anonymousId"
        case "external_id":
            return f"/externalIds/{name.value.partition(':')[0]}"
        case _:
            return "/email" if name in event.names else "/traits/email"


def suppress(project_id: UUID, name: Name, *, reason: str, by: str, now: datetime) -> NameInUse | None:
    """Suppress a name that nobody answers to; one that is suppressed already stays as it is."""

    def work() -> NameInUse | None:
        taken = Identifier.objects.filter(project=project_id, kind=name.kind, value=name.value)
        lead_id = taken.values_list("lead", flat=True).first()
        if lead_id is not None:
            return NameInUse(lead_id=lead_id)
        suppress_in_unit_of_work(project_id, [name], reason=reason, by=by, now=now)
        return None

    return database.unit_of_work(work)


def suppress_in_unit_of_work(project_id: UUID, names: Iterable[Name], *, reason: str, by: str, now: datetime) -> None:
    """Suppress names as a part of the caller's unit of work, which takes them away from whoever answers to them."""
    key = pseudonym_key_of(project_id)
    rows = {digest_of(name, key=key): name.kind for name in names}
    database.insert_missing_rows(
        Suppression,
        _FIELDS,
        [(new_id(), project_id, kind, digest, reason[:200], by[:200], now) for digest, kind in sorted(rows.items())],
        unique=("project", "digest"),
    )


def lift(project_id: UUID, name: Name) -> bool:
    """Let a name be stored again; return whether it was suppressed."""
    digest = digest_of(name, key=pseudonym_key_of(project_id))
    deleted, _ = Suppression.objects.filter(project=project_id, digest=digest).delete()
    return bool(deleted)


def suppression_of(project_id: UUID, name: Name) -> Suppression | None:
    """Return since when and why a name is suppressed, if it is."""
    digest = digest_of(name, key=pseudonym_key_of(project_id))
    return Suppression.objects.filter(project=project_id, digest=digest).first()
