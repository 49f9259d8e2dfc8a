"""Fold leads and write what comes of it: entries, scores and states, set-wise for a batch of leads.

This is the one place that writes projections; scoring new events and rebuilding old scores both come through here.
"""

import traceback
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from ingest import database
from ingest.ids import new_id
from ingest.models import Event
from ingest.selectors import LogRow
from ingest.slots import slot_of
from scoring.core import engine
from scoring.core.engine import Entry, ScorableEvent
from scoring.core.points import to_number
from scoring.core.timeline import Timeline
from scoring.log import scorable
from scoring.models import LeadScore, LeadState, ScoreEntry

_ENTRY_FIELDS = (
    "id", "project", "lead", "scorecard", "sequence", "kind", "event", "client_event_id", "event_type", "occurred_at",
    "delta", "old_score", "new_score", "old_stage", "new_stage", "rules", "ruleset_version",
)  # fmt: skip
_COMPARED_FIELDS = (
    "id", "lead", "scorecard", "sequence", "kind", "event", "occurred_at", "delta", "old_score", "new_score",
    "old_stage", "new_stage", "rules", "ruleset_version",
)  # fmt: skip
_ACTIVITY = Event.Kind.ACTIVITY.value
_SCORE_FIELDS = ("id", "project", "lead", "scorecard", "score", "stage")
_STATE_FIELDS = ("lead", "project", "state", "last_event_at", "slot", "next_change_at")
DELETED_AT_ONCE = 10_000  # SQLite takes so many parameters in a statement, wherever it comes from (32,766 by default)

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An event that could not be applied, and why."""

    error: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        cause = error.__cause__ or error
        return cls(
            error=f"{type(cause).__name__}: {cause}"[:500],
            traceback="".join(traceback.format_exception(error))[-20_000:],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What folding one lead gave: `entries` are the new ones, or the whole ledger where it was `rebuilt`.

    `folded` is the number of events.
    """

    project_id: UUID
    lead_id: UUID
    timeline: Timeline
    state: engine.LeadState
    entries: Sequence[Entry]
    last_event_at: datetime | None
    rebuilt: bool
    folded: int
    failures: Mapping[UUID, Failure] = field(default_factory=dict)

    @property
    def primary(self) -> engine.CardState:
        """Return the state of the scorecard that is the primary one in force."""
        return self.state.cards[self.timeline.latest.primary.name]


def _last_activity(rows: Iterable[LogRow], failures: Mapping[UUID, Failure]) -> datetime | None:
    """Return when the newest of these events happened that the lead itself took part in and that could be applied."""
    return max((row[5] for row in rows if row[3] == _ACTIVITY and row[0] not in failures), default=None)


def stored_state(lead_id: UUID, timeline: Timeline, tree: Mapping[str, Any]) -> engine.LeadState | None:
    """Return a lead's state as it is stored; `None` if it cannot be read, and the lead must be folded from the log."""
    try:
        return engine.load_state(timeline, tree)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        logger.warning("state_unreadable", lead=str(lead_id), error=repr(error))
        return None


def rebuild(
    project_id: UUID, lead_id: UUID, timeline: Timeline, rows: Sequence[LogRow], *, now: datetime
) -> Projection:
    """Fold a lead from its log, up to now; events that cannot be applied are left out and reported."""
    folded, failures = fold_what_can_be(
        timeline, engine.initial_state(timeline), [scorable(row) for row in rows], now=now
    )
    return Projection(
        project_id=project_id,
        lead_id=lead_id,
        timeline=timeline,
        state=folded.state,
        entries=folded.entries,
        last_event_at=_last_activity(rows, failures),
        rebuilt=True,
        folded=len(rows),
        failures=failures,
    )


def extend(
    project_id: UUID,
    lead_id: UUID,
    timeline: Timeline,
    state: engine.LeadState,
    rows: Sequence[LogRow],
    *,
    last_event_at: datetime | None,
    now: datetime | None,
) -> Projection:
    """Fold events (or only time) that come after all that is applied; report those that cannot be.

    Up to now, or with None up to the last of them.
    """
    folded, failures = fold_what_can_be(timeline, state, [scorable(row) for row in rows], now=now)
    newest = _last_activity(rows, failures)
    return Projection(
        project_id=project_id,
        lead_id=lead_id,
        timeline=timeline,
        state=folded.state,
        entries=folded.entries,
        last_event_at=max(filter(None, (newest, last_event_at)), default=None),
        rebuilt=False,
        folded=len(rows),
        failures=failures,
    )


def fold_what_can_be(
    timeline: Timeline, state: engine.LeadState, events: list[ScorableEvent], *, now: datetime | None
) -> tuple[engine.Folded, dict[UUID, Failure]]:
    """Return the fold of the events that can be applied, and why others cannot; up to now, or with None to the last."""
    failures: dict[UUID, Failure] = {}
    # All that has happened by now, time included; an event may lie a little ahead, because clocks differ.
    until = None if now is None else max([now, *(event.occurred_at for event in events)])
    while True:
        try:
            return engine.fold(timeline, state, events, until=until), failures
        except engine.FoldFailed as failed:
            failures[failed.event_key] = Failure.of(failed)
            events = [event for event in events if event.key != failed.event_key]


def write(projections: Sequence[Projection]) -> None:
    """Write the projections of a batch of leads; the caller holds their locks.

    A rebuilt ledger is compared with the stored one and only rewritten from where they differ, so that a late event
    costs as little as it changes. A fixed number of statements, whatever the size of the batch; only where tens of
    thousands of entries are rewritten do they go in portions.
    """
    rebuilt = {projection.lead_id for projection in projections if projection.rebuilt}
    stored = stored_ledgers(rebuilt) if rebuilt else {}
    stale: list[UUID] = []
    entries: list[tuple[Any, ...]] = []
    told = _Told()
    for projection in projections:
        fresh: Iterable[Entry] = projection.entries
        if projection.rebuilt:
            fresh, outdated = difference(stored.get(projection.lead_id, {}), projection.entries, told)
            stale += outdated
        entries += [_entry_row(projection, entry, told) for entry in fresh]
    for begin in range(0, len(stale), DELETED_AT_ONCE):
        ScoreEntry.objects.filter(pk__in=stale[begin : begin + DELETED_AT_ONCE]).delete()
    database.insert_rows(ScoreEntry, _ENTRY_FIELDS, entries)
    _drop_scorecards_gone(projections, rebuilt)
    _write_standings(projections)


def replace_part(projection: Projection) -> None:
    """Write the entries of a part of a lead's ledger in the places of what is stored there; the caller holds its lock.

    Until the whole ledger is replaced, part by part, old and new entries do not chain where they meet.
    """
    stale: list[UUID] = []
    entries: list[tuple[Any, ...]] = []
    told = _Told()
    for scorecard, chain in _chains(projection.entries).items():
        rows = ScoreEntry.objects.filter(
            lead=projection.lead_id,
            scorecard=scorecard,
            sequence__gte=chain[0].sequence,
            sequence__lte=chain[-1].sequence,
        )
        stored = {row[3]: (row[0], row[3:]) for row in database.rows_of(rows, _COMPARED_FIELDS)}
        for entry in chain:
            key, facts = stored.get(entry.sequence, (None, None))
            if facts == _facts(entry, told):
                continue
            if key is not None:
                stale.append(key)
            entries.append(_entry_row(projection, entry, told))
    ScoreEntry.objects.filter(pk__in=stale).delete()
    database.insert_rows(ScoreEntry, _ENTRY_FIELDS, entries)


def conclude(projection: Projection) -> None:
    """Make the last part of a lead's ledger its end, and write its scores and state; the caller holds its lock."""
    for name, card in projection.state.cards.items():
        ScoreEntry.objects.filter(lead=projection.lead_id, scorecard=name, sequence__gte=card.sequence).delete()
    ScoreEntry.objects.filter(lead=projection.lead_id).exclude(scorecard__in=projection.state.cards).delete()
    LeadScore.objects.filter(lead=projection.lead_id).exclude(scorecard__in=projection.state.cards).delete()
    _write_standings([projection])


def _write_standings(projections: Sequence[Projection]) -> None:
    database.upsert_rows(
        LeadScore,
        _SCORE_FIELDS,
        [
            (new_id(), projection.project_id, projection.lead_id, name, card.score, card.stage)
            for projection in projections
            for name, card in projection.state.cards.items()
        ],
        unique=("lead", "scorecard"),
        update=("score", "stage"),
    )
    database.upsert_rows(
        LeadState,
        _STATE_FIELDS,
        [
            (
                projection.lead_id,
                projection.project_id,
                engine.dump_state(projection.state),
                projection.last_event_at,
                slot_of(projection.lead_id),
                engine.next_change_at(projection.timeline, projection.state),
            )
            for projection in projections
        ],
        unique=("lead",),
        update=("state", "last_event_at", "next_change_at"),
    )


_Stored = tuple[UUID, tuple[Any, ...]]
Ledgers = Mapping[str, Sequence[_Stored]]


def stored_ledgers(lead_ids: Iterable[UUID]) -> dict[UUID, dict[str, list[_Stored]]]:
    """Return the stored entries of these leads per scorecard, in sequence, as (primary key, what must be equal)."""
    ledgers: dict[UUID, dict[str, list[_Stored]]] = defaultdict(lambda: defaultdict(list))
    rows = ScoreEntry.objects.filter(lead__in=lead_ids).order_by("lead", "scorecard", "sequence")
    for row in database.rows_of(rows, _COMPARED_FIELDS):
        ledgers[row[1]][row[2]].append((row[0], row[3:]))
    return ledgers


def difference(
    stored: Ledgers, entries: Sequence[Entry], told: "_Told | None" = None
) -> tuple[list[Entry], list[UUID]]:
    """Return the entries to insert and the primary keys to delete so that the stored ledger becomes `entries`."""
    chains = _chains(entries)
    fresh: list[Entry] = []
    outdated: list[UUID] = []
    told = told or _Told()
    for scorecard in chains.keys() | stored.keys():
        chain, old = chains.get(scorecard, []), stored.get(scorecard, ())
        same = 0
        while same < min(len(chain), len(old)) and _facts(chain[same], told) == old[same][1]:
            same += 1
        fresh += chain[same:]
        outdated += [key for key, _ in old[same:]]
    return fresh, outdated


def _chains(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    chains: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        chains[entry.scorecard].append(entry)
    return chains


def _facts(entry: Entry, told: "_Told") -> tuple[Any, ...]:
    return (
        entry.sequence,
        entry.kind,
        entry.event_key,
        entry.occurred_at,
        entry.delta,
        entry.old_score,
        entry.new_score,
        entry.old_stage,
        entry.new_stage,
        told.rules_of(entry),
        entry.ruleset_version,
    )


class _Told:
    """The rules of entries as they are stored, made once where entries share them, as most do."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[object, list[dict[str, Any]]]] = {}

    def rules_of(self, entry: Entry) -> list[dict[str, Any]]:
        made = self._made.get(id(entry.rules))
        if made is None:
            made = self._made[id(entry.rules)] = (entry.rules, rules_of(entry))  # the rules are kept, so is their id
        return made[1]


def rules_of(entry: Entry) -> list[dict[str, Any]]:
    """Return the rules of an entry as they are stored and shown: `applied` and `refused` only where they say more."""
    shown = []
    for hit in entry.rules:
        rule: dict[str, Any] = {"name": hit.name, "points": to_number(hit.points)}
        if hit.applied != hit.points:
            rule["applied"] = to_number(hit.applied)
        if hit.refused is not None:
            rule["refused"] = hit.refused
        shown.append(rule)
    return shown


def _entry_row(projection: Projection, entry: Entry, told: _Told) -> tuple[Any, ...]:
    return (
        new_id(),
        projection.project_id,
        projection.lead_id,
        entry.scorecard,
        entry.sequence,
        entry.kind,
        entry.event_key,
        entry.event_id or "",
        entry.event_type or "",
        entry.occurred_at,
        entry.delta,
        entry.old_score,
        entry.new_score,
        entry.old_stage,
        entry.new_stage,
        told.rules_of(entry),
        entry.ruleset_version,
    )


def _drop_scorecards_gone(projections: Sequence[Projection], rebuilt: set[UUID]) -> None:
    """Delete the scores of rebuilt leads on scorecards that their rules no longer have."""
    if not rebuilt:
        return
    kept = {projection.lead_id: projection.state.cards.keys() for projection in projections if projection.rebuilt}
    scores = LeadScore.objects.filter(lead__in=rebuilt).values_list("pk", "lead", "scorecard")
    gone = [key for key, lead_id, scorecard in scores if scorecard not in kept[lead_id]]
    if gone:
        LeadScore.objects.filter(pk__in=gone).delete()
