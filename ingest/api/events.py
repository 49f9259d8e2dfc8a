"""The routes that take events in, and the one that reads the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import limits, selectors
from ingest.api.authentication import (
    ApiKeyAuthentication,
    ComesFromAllowedOrigin,
    HoldsSecretKey,
    key_of,
    project_id_of,
)
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, not_found, refusal
from ingest.api.lists import list_response, text_of, truth_of
from ingest.api.schema import (
    BatchRecordedSerializer,
    EventListSerializer,
    ProblemSerializer,
    RecordedSerializer,
)
from ingest.core.bots import is_local, seen_through
from ingest.core.events import (
    MAX_BATCH_BYTES,
    MAX_EVENT_BYTES,
    NativeBatch,
    NativeEvent,
    Refused,
    parse_batch,
    parse_event,
)
from ingest.core.keys import KeyKind
from ingest.models import Event
from ingest.services.events import record


class IngestView(APIView):
    """A route that takes events from anyone who holds a key of the project."""

    ingests = True
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [ComesFromAllowedOrigin]
    parser_classes = []

    def spend(self, request: Request, events: int) -> dict[str, str]:
        """Charge the key for so many events and return the rate-limit headers; refuse with 429."""
        key = key_of(request)
        if key.events_per_minute is None:
            return {}
        allowance = limits.spend(key.pk, events_per_minute=key.events_per_minute, events=events)
        headers = {"RateLimit-Policy": allowance.policy, "RateLimit": allowance.state}
        if not allowance.granted:
            detail = f"This key may send {allowance.limit} events a minute and has room for {allowance.remaining} now."
            if events > allowance.limit:
                detail += f" {events} at once are never let through: send them in smaller batches."
            raise RequestRefused(
                "rate_limited",
                detail,
                status_code=429,
                headers=headers | {"Retry-After": str(allowance.retry_after)},
            )
        return headers


class EventView(IngestView):
    """One event. A `202` means that it is stored for good."""

    @extend_schema(
        operation_id="send_event_from_browser",
        tags=["Events"],
        request=NativeEvent,
        responses={202: RecordedSerializer, (400, "application/problem+json"): ProblemSerializer},
    )
    def post(self, request: Request) -> Response:
        headers = self.spend(request, 1)
        try:
            event = parse_event(body_of(request, limit=MAX_EVENT_BYTES))
        except Refused as refused:
            raise refusal(refused) from None
        now = timezone.now()
        (outcome,) = record(project_id_of(request), [seen_through(event, visitors_browser(request))], now=now)
        if isinstance(outcome, Refused):
            raise refusal(outcome)
        answer = {
            "status": "duplicate" if outcome.duplicate else "queued",
            "eventId": outcome.event_id,
            "leadId": outcome.lead_id and str(outcome.lead_id),
        }
        return Response(answer, status=202, headers=headers | received(now))


@extend_schema_view(post=extend_schema(operation_id="send_event"))
class EventLogView(EventView):
    """`POST` stores one event; `GET` reads the log."""

    def get_permissions(self) -> Sequence[Any]:
        return super().get_permissions() if self.ingests else [HoldsSecretKey()]

    @property
    def ingests(self) -> bool:  # type: ignore[override]
        return self.request.method not in {"GET", "HEAD"}

    @extend_schema(
        operation_id="list_events",
        tags=["Events"],
        parameters=[
            OpenApiParameter("lead", str, description="Only events of this lead, newest by event time."),
            OpenApiParameter("type", str, description="Only events of this type."),
            OpenApiParameter(
                "excluded", bool, description="Only events that do not count, such as those of bots; or only others."
            ),
            OpenApiParameter("limit", int, description="Rows a page, up to 200."),
            OpenApiParameter("cursor", str),
        ],
        responses={200: EventListSerializer},
    )
    def get(self, request: Request) -> Response:
        project_id = project_id_of(request)
        lead_id = None
        if wanted := request.query_params.get("lead"):
            lead = selectors.lead_of(project_id, wanted)
            if lead is None:
                raise not_found("lead")
            lead_id = lead.pk
        excluded = truth_of(request, "excluded")
        return list_response(
            request,
            lambda cursor, limit: selectors.events_page(
                project_id,
                lead_id=lead_id,
                event_type=text_of(request, "type"),
                excluded=excluded,
                cursor=cursor,
                limit=limit,
            ),
            represent_event,
        )


class EventBatchView(IngestView):
    """Up to 1,000 events at once. A bad one does not spoil the others."""

    @extend_schema(
        operation_id="send_events",
        tags=["Events"],
        request=NativeBatch,
        responses={202: BatchRecordedSerializer, (400, "application/problem+json"): ProblemSerializer},
    )
    def post(self, request: Request) -> Response:
        try:
            parsed = parse_batch(body_of(request, limit=MAX_BATCH_BYTES))
        except Refused as refused:
            raise refusal(refused) from None
        headers = self.spend(request, len(parsed)) if parsed else {}
        browser = visitors_browser(request)
        usable = [
            (index, seen_through(event, browser))
            for index, event in enumerate(parsed)
            if not isinstance(event, Refused)
        ]
        now = timezone.now()
        outcomes = record(project_id_of(request), [event for _, event in usable], now=now)
        rejected = {index: event for index, event in enumerate(parsed) if isinstance(event, Refused)}
        rejected |= {
            index: outcome for (index, _), outcome in zip(usable, outcomes, strict=True) if isinstance(outcome, Refused)
        }
        recorded = [outcome for outcome in outcomes if not isinstance(outcome, Refused)]
        answer = {
            "accepted": sum(not outcome.duplicate for outcome in recorded),
            "duplicates": sum(outcome.duplicate for outcome in recorded),
            "rejected": [
                {"index": index, "code": event.code, "detail": event.detail}
                for index, event in sorted(rejected.items(), key=lambda item: item[0])
            ],
        }
        return Response(answer, status=202, headers=headers | received(now))


def visitors_browser(request: Request) -> str | None:
    """Return the user agent of the visitor whose page sends this request; `None` if it comes from a server.

    That is who holds a secret key: its own user agent says nothing about the visitors it tells of. A page on somebody's
    own machine has no visitors either.
    """
    if key_of(request).kind != KeyKind.WRITE.value or is_local(request.headers.get("Origin")):
        return None
    return request.headers.get("User-Agent")


def received(at: datetime) -> dict[str, str]:
    """Return the header that tells a client when its request was received, by our clock.

    A client that sends several requests can correct its own clock by the first answer, once and for all of them,
    instead of leaving it to the delay of each (`sentAt`).
    """
    return {"Received-At": at.isoformat()}


def represent_event(event: Event) -> dict[str, Any]:
    """Return an event as the API shows it."""
    return {
        "eventId": event.event_id,
        "eventType": event.event_type,
        "kind": event.kind,
        "leadId": event.lead_id and str(event.lead_id),
        "occurredAt": event.occurred_at,
        "receivedAt": event.received_at,
        "timestamp": event.timestamp,
        "sentAt": event.sent_at,
        "sessionId": event.session_id or None,
        "properties": event.properties,
        "traits": event.traits,
        "excluded": represent_exclusion(event),
    }


def represent_exclusion(event: Event) -> dict[str, Any] | None:
    """Return why an event does not count; `None` if it does."""
    verdict = getattr(event, "verdict", None)
    if verdict is None or not verdict.excluded:
        return None
    ruling = verdict.ruling
    return {
        "reason": verdict.found if ruling is None else "by_hand",
        "detail": (verdict.detail if ruling is None else ruling.reason) or None,
        "by": None if ruling is None else ruling.author_name,
        "at": verdict.decided_at,
    }
