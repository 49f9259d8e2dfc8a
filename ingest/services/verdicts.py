"""Write down which events do not count, as a part of the caller's unit of work. The log itself stays as it is."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ingest import database
from ingest.core.bots import bot_of
from ingest.models import BotFilter, PendingEvent, Verdict
from ingest.services import pending

VERDICT_FIELDS = ("event", "project", "excluded", "found", "detail", "ruling", "decided_at")


def judge(project_id: UUID, events: Sequence[tuple[UUID, Mapping[str, Any]]], *, now: datetime) -> frozenset[UUID]:
    """Exclude those of these new events, given with their contexts, that bots caused; return which.

    No statement, unless there is one.
    """
    found = {key: name for key, context in events if context and (name := bot_of(context)) is not None}
    if not found or BotFilter.objects.filter(pk=project_id, known_bots=False).exists():
        return frozenset()
    _exclude(project_id, found, Verdict.Found.BOT, now=now)
    return frozenset(found)


class Excluded(NamedTuple):
    """Events that do not count any longer, and those of them that had been scored already."""

    all: frozenset[UUID]
    scored: frozenset[UUID]


def exclude_bursts(project_id: UUID, keys: Collection[UUID], *, now: datetime) -> Excluded:
    """Exclude those of these clicks of mail gateways that nothing is said of yet, and take them off the pending list.

    Events of which a person has said whether they count stay as that person said.
    """
    judged = set(Verdict.objects.filter(pk__in=keys).values_list("pk", flat=True))
    new = frozenset(keys) - judged
    if not new:
        return Excluded(all=new, scored=new)
    waiting = PendingEvent.objects.filter(pk__in=new)
    scored = new.difference(waiting.values_list("pk", flat=True))
    _exclude(project_id, dict.fromkeys(new, ""), Verdict.Found.GATEWAY_BURST, now=now)
    pending.settle(new - scored)
    return Excluded(all=new, scored=scored)


def _exclude(project_id: UUID, found: Mapping[UUID, str], reason: Verdict.Found, *, now: datetime) -> None:
    rows = [(key, project_id, True, reason.value, detail[:200], None, now) for key, detail in found.items()]
    database.insert_rows(Verdict, VERDICT_FIELDS, rows)
