"""Take events off the list of what is pending, or put them back on."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.models import Lead, PendingEvent, Verdict
from ingest.slots import slot_of

_FIELDS = ("event", "lead_id", "slot", "due_at", "attempts", "quiet")


def settle(keys: Collection[UUID]) -> None:
    """Take these events off the list: they are scored, in the same unit of work."""
    PendingEvent.objects.filter(pk__in=keys).delete()


def postpone(attempts: Mapping[UUID, tuple[UUID, int]], *, until: datetime) -> None:
    """Note that scoring these events failed, `{event: (lead, attempts so far)}`, and try them again at `until`."""
    rows = [(key, lead_id, slot_of(lead_id), until, tried, False) for key, (lead_id, tried) in attempts.items()]
    database.upsert_rows(PendingEvent, _FIELDS, rows, unique=("event",), update=("due_at", "attempts"))


def reopen(events: Sequence[tuple[UUID, UUID, bool]], *, now: datetime) -> None:
    """Put events, given as (event, lead, quiet), back on the list, as if they had just arrived.

    The excluded ones stay off.
    """
    database.lock_rows(Lead, [lead_id for _, lead_id, _ in events])  # or one could be excluded meanwhile
    verdicts = Verdict.objects.filter(pk__in=[key for key, _, _ in events], excluded=True)
    excluded = set(verdicts.values_list("pk", flat=True))
    rows = [(key, lead_id, slot_of(lead_id), now, 0, quiet) for key, lead_id, quiet in events if key not in excluded]
    database.upsert_rows(PendingEvent, _FIELDS, rows, unique=("event",), update=("due_at", "attempts"))
