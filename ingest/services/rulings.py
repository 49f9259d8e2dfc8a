"""Exclude events by hand, or include them again: the ones that are named, or a whole range, lead by lead.

What somebody says is kept as one ruling, whatever it touches; a row of it per event would be the log once more. A
ruling stands in the database before any task is sent for it, and each step moves its cursor in the transaction that
does the work. So it may be killed, doubled or lost and goes on where it was; see `go_on`.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import Count, F, QuerySet
from django.utils import timezone

from ingest import background, database
from ingest.core.adjustments import Author
from ingest.core.events import Problem, Refused
from ingest.core.rulings import Selection, Wish, dump_selection, load_selection
from ingest.core.suppression import event_pseudonym
from ingest.models import Event, Lead, Ruling, Verdict
from ingest.selectors import counting, lead_of, members_of
from ingest.services import pending
from ingest.services.identities import hold_homes
from ingest.services.verdicts import VERDICT_FIELDS
from ingest.signals import CountsChanged, counts_changed

MAX_LEADS = 500
MAX_EVENTS = 10_000  # of the leads that one step touches; a lead with more of them is alone
STALLED_AFTER = timedelta(seconds=30)
MAX_FAILURES = 3
_AT_ONCE = 5_000
_NOBODY = str(UUID(int=0))
logger = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """Somebody else has moved the ruling on: this step must not count."""


def start(project_id: UUID, verb: Ruling.Verb, wish: Wish, *, author: Author, now: datetime, seconds: float) -> Ruling:
    """Begin to exclude or include events and go on for some seconds; what is left then is done in the background.

    Raises `Refused` if the range names a lead that the project does not have.
    """
    selection = wish.selection
    lead_id = selection.within.lead_id
    if lead_id is not None and lead_of(project_id, lead_id) is None:
        detail = f"is no lead of this project: {lead_id}"
        raise Refused("lead_not_found", (Problem(pointer="/range/leadId", detail=detail),))
    ruling = Ruling(
        project_id=project_id,
        verb=verb,
        trial=wish.trial,
        selection=dump_selection(selection),
        reason=wish.reason,
        author_id=author.id,
        author_name=author.name[:200],
        leads_total=_leads(project_id, selection).count(),
        created_at=now,
        moved_at=now,
    )
    ruling.save(force_insert=True)
    walk_on(ruling.pk, None, seconds=seconds)
    ruling.refresh_from_db()
    return ruling


def _leads(project_id: UUID, selection: Selection) -> "QuerySet[Lead]":
    """Return the leads that hold the events of a selection; of a range it is those that may hold some."""
    leads = Lead.objects.filter(project=project_id)
    if selection.event_ids:
        named = Event.objects.filter(project=project_id, event_id__in=selection.event_ids)
        return leads.filter(pk__in=set(named.values_list("lead", flat=True)))
    if selection.within.lead_id is not None:
        lead = lead_of(project_id, selection.within.lead_id)
        return leads.filter(pk__in=members_of(lead.pk) if lead else [])
    return leads


def _matching(ruling: Ruling, selection: Selection) -> "QuerySet[Event]":
    """Return the events that a ruling is about and that it would change anything of.

    Only what leads did, and what had been received when it was given: it says nothing of events to come.
    """
    events = Event.objects.filter(
        project=ruling.project_id, kind=Event.Kind.ACTIVITY, received_at__lte=ruling.created_at
    )
    if selection.event_ids:
        events = events.filter(event_id__in=selection.event_ids)
    within = selection.within
    conditions = {
        "event_type": within.event_type,
        "occurred_at__gte": within.begin,
        "occurred_at__lt": within.end,
        "context__userAgent__icontains": within.user_agent,
    }
    events = events.filter(**{name: value for name, value in conditions.items() if value is not None})
    return counting(events) if ruling.verb == Ruling.Verb.EXCLUDE else events.filter(verdict__excluded=True)


def forget_person(project_id: UUID, lead_ids: Collection[UUID], *, key: bytes) -> None:
    """Let a project's rulings name none of these leads, nor of their events, which the leads still have.

    An event is named by its pseudonym from now on, so a ruling that is under way still finds nothing of theirs.
    """
    leads = {str(lead_id) for lead_id in lead_ids}
    ended = Ruling.objects.filter(project=project_id, finished_at__isnull=False)
    ended.filter(cursor__in=lead_ids).update(cursor=None)
    for ruling in Ruling.objects.filter(project=project_id).only("selection").iterator(chunk_size=100):
        selection = load_selection(ruling.selection)
        events = Event.objects.filter(project=project_id, event_id__in=selection.event_ids, lead__in=lead_ids)
        theirs = set(events.values_list("event_id", flat=True)) if selection.event_ids else set()
        names_lead = (selection.within.lead_id or "").lower() in leads
        if not theirs and not names_lead:
            continue
        told = replace(
            selection,
            event_ids=tuple(event_pseudonym(each, key=key) if each in theirs else each for each in selection.event_ids),
            within=replace(selection.within, lead_id=_NOBODY) if names_lead else selection.within,
        )
        Ruling.objects.filter(pk=ruling.pk).update(selection=dump_selection(told))


# --- Step by step ----------------------------------------------------------------------------------------------------


def walk_on(ruling_id: UUID, cursor: UUID | None, *, seconds: float) -> None:
    """Go on with a ruling for some seconds; then send a task that goes on, so that others have their turn.

    With a cursor that is not the ruling's (somebody was here before) nothing is done. A ruling that keeps failing where
    it stands ends, with the reason where people see it.
    """
    deadline = time.monotonic() + seconds
    ruling = Ruling.objects.filter(pk=ruling_id, finished_at=None).first()
    if ruling is None or ruling.cursor != cursor:
        return
    try:
        for _ in _steps(ruling):
            if time.monotonic() > deadline:
                _send(ruling)
                return
    except _Overtaken:
        return
    except (OperationalError, InterfaceError):
        raise  # the database is away: the sweep goes on when it is back
    except Exception as error:
        logger.exception("ruling_stopped", ruling=str(ruling_id))
        _count_failure(ruling_id, error)


def _steps(ruling: Ruling) -> Iterator[None]:
    selection = load_selection(ruling.selection)
    leads = _leads(ruling.project_id, selection).order_by("pk").values_list("pk", flat=True)
    matching = _matching(ruling, selection)
    while lead_ids := list((leads if ruling.cursor is None else leads.filter(pk__gt=ruling.cursor))[:MAX_LEADS]):
        _step(ruling, matching, lead_ids)
        yield
    _finish(ruling.pk)


def _step(ruling: Ruling, matching: "QuerySet[Event]", lead_ids: Sequence[UUID]) -> None:
    """Do what a ruling says for the first of these leads, as many as one transaction should hold."""
    counts = _counts(matching, lead_ids)
    if counts and not ruling.trial:  # who follows the change reads all events of the leads that it touches
        lead_ids = _first(lead_ids, _counts(Event.objects.all(), list(counts)))
    counts = {lead_id: counts[lead_id] for lead_id in lead_ids if lead_id in counts}

    def work() -> None:
        if counts and not ruling.trial:
            _rule(ruling, matching, list(counts))
        _move(ruling, lead_ids, counts)

    database.unit_of_work(work)
    ruling.cursor = lead_ids[-1]


def _counts(events: "QuerySet[Event]", lead_ids: Sequence[UUID]) -> dict[UUID, int]:
    return dict(events.filter(lead__in=lead_ids).order_by().values_list("lead").annotate(Count("pk")))


def _first(lead_ids: Sequence[UUID], counts: Mapping[UUID, int]) -> list[UUID]:
    taken: list[UUID] = []
    events = 0
    for lead_id in lead_ids:
        events += counts.get(lead_id, 0)
        if taken and events > MAX_EVENTS:
            break
        taken.append(lead_id)
    return taken


def _rule(ruling: Ruling, matching: "QuerySet[Event]", lead_ids: Sequence[UUID]) -> None:
    homes = {home.lead_id for home in hold_homes(lead_ids).values()}
    keys = list(matching.filter(lead__in=lead_ids).values_list("pk", flat=True))
    now = timezone.now()
    excluded = ruling.verb == Ruling.Verb.EXCLUDE
    for begin in range(0, len(keys), _AT_ONCE):
        some = keys[begin : begin + _AT_ONCE]
        rows = [(key, ruling.project_id, excluded, "", "", ruling.pk, now) for key in some]
        database.upsert_rows(
            Verdict, VERDICT_FIELDS, rows, unique=("event",), update=("excluded", "ruling", "decided_at")
        )
        pending.settle(some)  # what is excluded is not pending, and what is included comes from the log
    counts_changed.send(
        sender=None, changed=CountsChanged(project_id=ruling.project_id, lead_ids=tuple(sorted(homes)), now=now)
    )


def _move(ruling: Ruling, lead_ids: Sequence[UUID], counts: Mapping[UUID, int]) -> None:
    moved = Ruling.objects.filter(pk=ruling.pk, cursor=ruling.cursor, finished_at=None).update(
        cursor=lead_ids[-1],
        leads_done=F("leads_done") + len(lead_ids),
        leads=F("leads") + len(counts),
        events=F("events") + sum(counts.values()),
        failures=0,
        moved_at=timezone.now(),
    )
    if not moved:
        raise _Overtaken


def _finish(ruling_id: UUID) -> None:
    now = timezone.now()
    Ruling.objects.filter(pk=ruling_id, finished_at=None).update(
        status=Ruling.Status.DONE, finished_at=now, moved_at=now
    )


def _count_failure(ruling_id: UUID, error: Exception) -> None:
    Ruling.objects.filter(pk=ruling_id).update(failures=F("failures") + 1)
    Ruling.objects.filter(pk=ruling_id, failures__gte=MAX_FAILURES, finished_at=None).update(
        status=Ruling.Status.FAILED, finished_at=timezone.now(), error=f"{type(error).__name__}: {error}"[:500]
    )


def _send(ruling: Ruling) -> None:
    background.start("ingest.tasks.rule", ruling.pk, ruling.cursor)


def go_on(*, now: datetime) -> int:
    """Send tasks for the rulings that stand still, because theirs was lost or killed; return how many."""
    stalled = list(Ruling.objects.filter(finished_at=None, moved_at__lt=now - STALLED_AFTER))
    Ruling.objects.filter(pk__in=[ruling.pk for ruling in stalled]).update(moved_at=now)
    for ruling in stalled:
        _send(ruling)
    return len(stalled)
