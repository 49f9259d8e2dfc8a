"""Everything that is known of a person, as one JSON document, written piece by piece however much it is."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.db.models import Model, Q, QuerySet

from automation.models import Run
from ingest.models import Event, Identifier, Lead, Merge, RefusedName
from ingest.selectors import members_of
from scoring.api.representation import represent_entry, represent_lead
from scoring.models import DeadLetter, ScoreEntry
from scoring.selectors import lead_view

M = TypeVar("M", bound=Model)

_AT_ONCE = 1_000


def file_name(lead: Lead) -> str:
    """Return the name of the document as a file. It does not say whose it is: names of files are seen by many."""
    return f"lead-{lead.pk}.json"


def personal_data(lead: Lead, *, now: datetime) -> Iterator[bytes]:
    """Yield the pieces of the document about a lead that stands for itself, and all that were merged into it."""
    members = members_of(lead.pk)
    events = Event.objects.filter(project=lead.project_id, lead__in=members)
    entries = ScoreEntry.objects.filter(project=lead.project_id, lead__in=members)
    runs = Run.objects.filter(project=lead.project_id, lead__in=members)
    yield b'{"exportedAt":' + _json(now)
    yield b',"lead":' + _json(represent_lead(lead_view(lead, now=now)))
    yield b',"ids":' + _json([str(member) for member in members])
    yield from _list("identifiers", _rows(Identifier.objects.filter(lead__in=members).order_by("pk")), _identifier)
    yield from _list("events", _rows(events.order_by("occurred_at", "event_id")), _event)
    adjustments = events.filter(kind=Event.Kind.ADJUSTMENT).order_by("occurred_at", "event_id")
    yield from _list("adjustments", _rows(adjustments), _adjustment)
    in_order = entries.order_by("scorecard", "sequence")
    yield from _list("scoreEntries", _rows(in_order), _entry)
    moved = (entry for entry in _rows(in_order) if entry.old_stage != entry.new_stage)
    yield from _list("stageHistory", moved, _stage_change)
    merges = Merge.objects.filter(Q(lead__in=members) | Q(into__in=members)).order_by("pk")
    yield from _list("merges", _rows(merges), _merge)
    refused = RefusedName.objects.filter(project=lead.project_id, lead__in=members).order_by("pk")
    yield from _list("refusedNames", _rows(refused), _refused_name)
    with_deliveries = runs.select_related("automation").prefetch_related("deliveries").order_by("pk")
    yield from _list("automationRuns", _rows(with_deliveries), _run)
    letters = DeadLetter.objects.filter(lead__in=members).select_related("event").order_by("pk")
    yield from _list("eventsNotScored", _rows(letters), _letter)
    yield b"}"


def _rows(rows: "QuerySet[M]") -> Iterator[M]:
    return rows.iterator(chunk_size=_AT_ONCE)


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z)
    except TypeError:  # a whole number beyond 64 bits or half a surrogate pair, both of which JSON itself allows
        return json.dumps(value, default=str, separators=(",", ":")).encode()


def _list(name: str, rows: Iterable[M], represent: Callable[[M], dict[str, Any]]) -> Iterator[bytes]:
    """Yield a member of the document that is a list, some rows at a time."""
    yield f',"{name}":['.encode()
    piece: list[bytes] = []
    first = True
    for row in rows:
        piece.append(_json(represent(row)))
        if len(piece) == _AT_ONCE:
            yield (b"" if first else b",") + b",".join(piece)
            piece, first = [], False
    if piece:
        yield (b"" if first else b",") + b",".join(piece)
    yield b"]"


def _identifier(identifier: Identifier) -> dict[str, Any]:
    return {
        "kind": identifier.kind,
        "value": identifier.value,
        "leadId": identifier.lead_id,
        "since": identifier.created_at,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "eventId": event.event_id,
        "eventType": event.event_type,
        "kind": event.kind,
        "leadId": event.lead_id,
        "occurredAt": event.occurred_at,
        "receivedAt": event.received_at,
        "timestamp": event.timestamp,
        "sentAt": event.sent_at,
        "sessionId": event.session_id or None,
        "properties": event.properties,
        "traits": event.traits,
        "context": event.context,
    }


def _adjustment(event: Event) -> dict[str, Any]:
    return {"adjustmentId": event.event_id, "occurredAt": event.occurred_at, **event.properties}


def _entry(entry: ScoreEntry) -> dict[str, Any]:
    return {"scorecard": entry.scorecard, **represent_entry(entry)}


def _stage_change(entry: ScoreEntry) -> dict[str, Any]:
    return {
        "scorecard": entry.scorecard,
        "occurredAt": entry.occurred_at,
        "oldStage": entry.old_stage,
        "newStage": entry.new_stage,
    }


def _merge(merge: Merge) -> dict[str, Any]:
    return {
        "leadId": merge.lead_id,
        "into": merge.into_id,
        "cause": merge.cause,
        "by": merge.by,
        "mergedAt": merge.merged_at,
        "undoneAt": merge.undone_at,
    }


def _refused_name(refused: RefusedName) -> dict[str, Any]:
    return {
        "kind": refused.kind,
        "value": refused.value,
        "reason": refused.reason,
        "eventId": refused.event_id,
        "at": refused.created_at,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "automation": run.automation.name,
        "occurredAt": run.occurred_at,
        "firedAt": run.created_at,
        "facts": run.facts,
        "deliveries": [
            {
                "kind": delivery.kind,
                "status": delivery.status,
                "attempts": delivery.attempts,
                "detail": delivery.detail,
                "deliveredAt": delivery.delivered_at,
            }
            for delivery in run.deliveries.all()
        ],
    }


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {"eventId": letter.event.event_id, "error": letter.error, "since": letter.parked_at}
