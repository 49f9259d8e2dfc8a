"""Take in webhooks of other systems: what they say becomes events, and of each one stays a receipt for a while."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from ingest import database
from ingest.core.events import IncomingEvent, Refused
from ingest.core.identity import Name
from ingest.core.mapping import Ignored, Reading, parse_mapping, parse_payload, read, received_at
from ingest.core.suppression import spellings
from ingest.ids import new_id
from ingest.models import Event, WebhookReceipt, WebhookSource
from ingest.selectors import SourceInForce, source_in_force
from ingest.services.events import record_in_unit_of_work
from ingest.services.suppressions import SUPPRESSED

RECEIPTS_KEPT = 100  # per source of those that were refused, and as many of the others
MAX_KEPT_BYTES = 64 * 1024
_REASON_LENGTH = 500
_NOTED_EVERY = timedelta(minutes=1)
_RECEIPT_FIELDS = (
    "id", "source", "received_at", "outcome", "refused", "reason", "webhook_id", "event_id", "size", "payload",
    "complete",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a webhook: how many events, by what became of them, and which items were refused and why."""

    stored: int = 0
    duplicates: int = 0
    ignored: Sequence[Ignored] = ()
    refused: Mapping[int, Refused]
    event_id: str = ""

    @property
    def outcome(self) -> WebhookReceipt.Outcome:
        if self.stored:
            return WebhookReceipt.Outcome.STORED
        if self.duplicates:
            return WebhookReceipt.Outcome.DUPLICATE
        return WebhookReceipt.Outcome.REFUSED if self.waits else WebhookReceipt.Outcome.IGNORED

    @property
    def waits(self) -> bool:
        """Return whether an item was refused that another mapping could save: of whom nothing is stored never waits."""
        return any(refused.code != SUPPRESSED for refused in self.refused.values())

    @property
    def may_be_kept(self) -> bool:
        """Return whether its text may be kept: not if it speaks of somebody of whom nothing may be stored."""
        return all(refused.code != SUPPRESSED for refused in self.refused.values())

    @property
    def reason(self) -> str:
        """Return why it, or its items, made no event; empty if all of them did."""
        reasons = [refused.detail for refused in self.refused.values()] or [found.reason for found in self.ignored]
        return "; ".join(dict.fromkeys(reasons))


def read_webhook(source: SourceInForce, body: bytes, *, webhook_id: str | None) -> list[Reading]:
    """Return what the body of a verified webhook is, as the source's mapping reads it; stores nothing."""
    try:
        mapping = parse_mapping(source.mapping)
    except Refused as refused:  # the rules for mappings became stricter after this one was saved
        return [Refused("not_mapped", refused.problems)]
    try:
        return read(mapping, parse_payload(body), slug=source.slug, webhook_id=webhook_id)
    except Refused as refused:
        return [refused]


def store_webhook(
    source: SourceInForce, body: bytes, readings: Sequence[Reading], *, webhook_id: str | None, now: datetime
) -> Received:
    """Store the events of a webhook and its receipt, all of it or nothing, and forget what is too much of receipts."""

    def work() -> Received:
        received = _record(source.project_id, readings, now=now)
        _insert_receipt(source, body, received, webhook_id=webhook_id, now=now)
        _forget_beyond_kept(source.id)
        return received

    return database.unit_of_work(work)


def replay(project_ids: Collection[UUID], receipt_ids: Collection[UUID], *, now: datetime) -> list[Received | None]:
    """Read receipts of these projects again with the mappings as they are now, and store what they are.

    An event that is there already stays as it is. `None` stands for a receipt of which only the beginning was kept.
    """
    receipts = WebhookReceipt.objects.filter(source__project__in=project_ids, pk__in=receipt_ids)
    # The oldest first: that is the order in which they would have been stored.
    return [_replay(receipt, now=now) for receipt in receipts.select_related("source").order_by("id")]


def note_unverified(source_id: UUID, reason: str, *, now: datetime) -> bool:
    """Remember why a request to a source was not taken, at most once a minute; return whether it was time for it.

    Whoever knows a source's address can send such requests as fast as they like.
    """
    due = Q(refused_at__isnull=True) | Q(refused_at__lt=now - _NOTED_EVERY)
    return bool(WebhookSource.objects.filter(due, pk=source_id).update(refused_at=now, refused_because=reason[:200]))


def forget_receipts(*, before: datetime) -> int:
    """Delete the receipts of webhooks that came before a moment; return how many there were."""
    deleted, _ = WebhookReceipt.objects.filter(received_at__lt=before).delete()
    return deleted


def forget_person(project_id: UUID, lead_ids: Collection[UUID], names: Iterable[Name]) -> None:
    """Delete receipts that became events of these leads, which still have them, or that speak of one of these names.

    There are few receipts, which are kept for mending mappings only, so rather one too many than one too few.
    """
    receipts = WebhookReceipt.objects.filter(source__project=project_id)
    ids = dict(receipts.values_list("pk", "event_id"))
    events = Event.objects.filter(project=project_id, event_id__in=set(ids.values()), lead__in=lead_ids)
    theirs = set(events.values_list("event_id", flat=True))
    wanted = {spelled for name in names for spelled in spellings(name)}
    spoken_of = [
        pk
        for pk, payload in receipts.values_list("pk", "payload").iterator(chunk_size=20)
        if any(text in payload.lower() for text in wanted)
    ]
    gone = {*spoken_of, *(pk for pk, event_id in ids.items() if event_id in theirs)}
    WebhookReceipt.objects.filter(pk__in=gone).delete()


def _record(project_id: UUID, readings: Sequence[Reading], *, now: datetime) -> Received:
    named = [
        (index, reading.event_id, reading)
        for index, reading in enumerate(readings)
        if isinstance(reading, IncomingEvent) and reading.event_id is not None
    ]
    outcomes = record_in_unit_of_work(project_id, [named_event[1:] for named_event in named], now=now) if named else []
    refused = {index: reading for index, reading in enumerate(readings) if isinstance(reading, Refused)}
    refused |= {
        index: outcome for (index, _, _), outcome in zip(named, outcomes, strict=True) if isinstance(outcome, Refused)
    }
    recorded = [outcome for outcome in outcomes if not isinstance(outcome, Refused)]
    return Received(
        stored=sum(not outcome.duplicate for outcome in recorded),
        duplicates=sum(outcome.duplicate for outcome in recorded),
        ignored=[reading for reading in readings if isinstance(reading, Ignored)],
        refused=dict(sorted(refused.items())),
        event_id=recorded[0].event_id if recorded else "",
    )


def _insert_receipt(
    source: SourceInForce, body: bytes, received: Received, *, webhook_id: str | None, now: datetime
) -> None:
    database.insert_rows(
        WebhookReceipt,
        _RECEIPT_FIELDS,
        [
            (
                new_id(),
                source.id,
                now,
                received.outcome.value,
                received.waits,
                received.reason[:_REASON_LENGTH],
                webhook_id or "",
                received.event_id,
                len(body),
                body[:MAX_KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "") if received.may_be_kept else "",
                len(body) <= MAX_KEPT_BYTES and received.may_be_kept,
            )
        ],
    )


def _forget_beyond_kept(source_id: UUID) -> None:
    """Delete what a source has too much of. Refused webhooks are counted apart: others must not push them out."""
    for refused in (True, False):
        newest = WebhookReceipt.objects.filter(source=source_id, refused=refused).order_by("-id")
        too_many = list(newest.values_list("pk", flat=True)[RECEIPTS_KEPT : RECEIPTS_KEPT + 50])
        if too_many:
            WebhookReceipt.objects.filter(pk__in=too_many).delete()


def _replay(receipt: WebhookReceipt, *, now: datetime) -> Received | None:
    if not receipt.complete:
        return None
    source = source_in_force(receipt.source)
    readings = [
        received_at(reading, receipt.received_at) if isinstance(reading, IncomingEvent) else reading
        for reading in read_webhook(source, receipt.payload.encode(), webhook_id=receipt.webhook_id or None)
    ]

    def work() -> Received:
        received = _record(source.project_id, readings, now=now)
        WebhookReceipt.objects.filter(pk=receipt.pk).update(
            outcome=received.outcome,
            refused=received.waits,
            reason=received.reason[:_REASON_LENGTH],
            event_id=received.event_id,
            payload=receipt.payload if received.may_be_kept else "",
            complete=received.may_be_kept,
        )
        return received

    return database.unit_of_work(work)
