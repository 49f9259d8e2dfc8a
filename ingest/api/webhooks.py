"""The route that takes in webhooks of other systems. The signature says who sends; there is no key."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import limits, refusals, selectors
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, refusal
from ingest.api.events import received as received_header
from ingest.api.schema import ProblemSerializer, WebhookReceivedSerializer
from ingest.core.events import IncomingEvent, Refused
from ingest.core.signatures import StandardScheme, Unverified, Verified, verify
from ingest.selectors import SourceInForce
from ingest.services.webhooks import Received, note_unverified, read_webhook, store_webhook

log = structlog.get_logger(__name__)

MAX_WEBHOOK_BYTES = 1024 * 1024
# Compared with when there is no such source, so that the time an answer takes does not tell.
_NOBODYS = ("whsec_" + "A" * 44,)


class WebhookView(APIView):
    """A webhook of another system, signed as its source says. A `202` means that its events are stored for good."""

    authentication_classes = []
    permission_classes = []
    parser_classes = []

    @extend_schema(
        operation_id="receive_webhook",
        tags=["Events"],
        parameters=[
            OpenApiParameter("source", str, OpenApiParameter.PATH, description="The id in the source's address.")
        ],
        request={"application/json": {"description": "What the other system sends."}},
        responses={
            202: WebhookReceivedSerializer,
            **{(status, "application/problem+json"): ProblemSerializer for status in (400, 401, 413, 415, 422, 429)},
        },
    )
    def post(self, request: Request, source: str) -> Response:
        body = body_of(request, limit=MAX_WEBHOOK_BYTES)
        found, verified = _verified(request, source, body)
        readings = read_webhook(found, body, webhook_id=verified.webhook_id)
        headers = _spend(found, max(1, sum(isinstance(reading, IncomingEvent) for reading in readings)))
        now = timezone.now()
        received = store_webhook(found, body, readings, webhook_id=verified.webhook_id, now=now)
        _note(found, list(received.refused.values()))
        if received.outcome == received.outcome.REFUSED:
            raise _refusal(list(received.refused.values()))
        return Response(_answer(received), status=202, headers=headers | received_header(now))


def _verified(request: Request, public_id: str, body: bytes) -> tuple[SourceInForce, Verified]:
    """Return the source and what its signature says. An unknown source and a wrong signature get the same answer."""
    now = timezone.now()
    headers = {name.lower(): value for name, value in request.headers.items()}
    found = selectors.active_webhook_source(public_id)
    if found is None:
        verify(StandardScheme(), _NOBODYS, headers, body, now=now)
    else:
        result = verify(found.scheme, found.secrets, headers, body, now=now)
        if isinstance(result, Verified):
            return found, result
        _note_unverified(found, result)
    refusals.count({"unverified": 1})
    raise RequestRefused(
        "unverified",
        "There is no such active source, or the webhook is not signed with its secret.",
        status_code=401,
        headers={"WWW-Authenticate": 'Signature realm="LeadScore"'},
    )


def _note_unverified(source: SourceInForce, result: Unverified) -> None:
    if note_unverified(source.id, result.reason, now=timezone.now()):
        log.warning("webhook_unverified", source=str(source.id), project=str(source.project_id), reason=result.reason)


def _spend(source: SourceInForce, events: int) -> dict[str, str]:
    """Charge the source for so many events and return the rate-limit headers; refuse with 429."""
    if source.events_per_minute is None:
        return {}
    allowance = limits.spend(source.id, events_per_minute=source.events_per_minute, events=events)
    headers = {"RateLimit-Policy": allowance.policy, "RateLimit": allowance.state}
    if not allowance.granted:
        raise RequestRefused(
            "rate_limited",
            f"This source may send {allowance.limit} events a minute and has room for {allowance.remaining} now.",
            status_code=429,
            headers=headers | {"Retry-After": str(allowance.retry_after)},
        )
    return headers


def _note(source: SourceInForce, refused: Sequence[Refused]) -> None:
    """Count and log what made no event. The line says which part of the mapping did not fit, not what was sent."""
    if not refused:
        return
    refusals.count(Counter(found.code for found in refused))
    pointers = Counter(problem.pointer for found in refused for problem in found.problems[:1])
    log.warning(
        "webhook_refused",
        source=str(source.id),
        project=str(source.project_id),
        codes=sorted({found.code for found in refused}),
        pointers=dict(pointers.most_common(5)),
    )


def _refusal(refused: Sequence[Refused]) -> RequestRefused:
    """Return the answer to a webhook of which nothing could be used: unreadable 400, too large 413, not mapped 422."""
    if len(refused) == 1 and refused[0].code != "not_mapped":
        return refusal(refused[0])
    problems = [problem for found in refused for problem in found.problems]
    detail = "; ".join(dict.fromkeys(found.detail for found in refused))
    return RequestRefused("not_mapped", detail[:1000], status_code=422, problems=problems[:50])


def _answer(received: Received) -> dict[str, Any]:
    status = {"stored": "queued", "duplicate": "duplicate", "ignored": "ignored"}[received.outcome.value]
    return {
        "status": status,
        "accepted": received.stored,
        "duplicates": received.duplicates,
        "ignored": len(received.ignored),
        "rejected": [
            {"index": index, "code": found.code, "detail": found.detail} for index, found in received.refused.items()
        ],
    }
