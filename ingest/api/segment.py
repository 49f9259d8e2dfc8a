"""Segment's HTTP tracking API and its relatives, so that their published clients work with nothing but our address.

Every one of them takes exactly `200 {"success":true}` for success. What they may never see is a redirect, which some
take for success and others do not follow.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import refusals, selectors
from ingest.api.authentication import key_of, project_id_of, token_of
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, not_found, refusal
from ingest.api.events import IngestView, received, visitors_browser
from ingest.core.bots import seen_through
from ingest.core.events import IncomingEvent, Refused
from ingest.core.keys import KeyKind
from ingest.core.segment import MAX_BATCH_BYTES, Call, parse_call, parse_calls
from ingest.services.events import record

log = structlog.get_logger(__name__)

_SUCCESS = {"success": True}
_REASONS_LOGGED = 5


class SegmentView(IngestView):
    """A route that takes calls: one (`call` says which) or, without `call`, a batch of any."""

    largest_body = MAX_BATCH_BYTES
    call: ClassVar[Call | None] = None

    @extend_schema(exclude=True)
    def post(self, request: Request, **_: object) -> Response:
        parsed = self._parsed(request)
        headers = self.spend(request, len(parsed)) if parsed else {}
        now = timezone.now()
        browser = (
            visitors_browser(request) if request.headers.get("Content-Type", "").startswith("text/plain") else None
        )
        usable = [seen_through(event, browser) for event in parsed if not isinstance(event, Refused)]
        outcomes = record(project_id_of(request), usable, now=now)
        _note([found for found in (*parsed, *outcomes) if isinstance(found, Refused)], request)
        return Response(_SUCCESS, headers=headers | received(now))

    def _parsed(self, request: Request) -> Sequence[IncomingEvent | Refused]:
        body = body_of(request, limit=self.largest_body)
        sent_at = request.headers.get("SentAt")
        try:
            return parse_calls(body, sent_at=sent_at) if self.call is None else [
                parse_call(self.call, body, sent_at=sent_at)
            ]  # fmt: skip
        except Refused as refused:
            _note([refused], request)
            raise refusal(refused) from None


def _note(refused: Sequence[Refused], request: Request) -> None:
    """Count and log what was not stored: the client is told that its batch arrived, so somebody else has to be.

    The line says which field was wrong and why, and nothing of what anybody sent: not even the names of properties.
    """
    if not refused:
        return
    refusals.count(Counter(found.code for found in refused))
    reasons = Counter(
        f"{'/'.join(problem.pointer.split('/')[:2])} {problem.detail}".strip()
        for found in refused
        for problem in found.problems[:1]
    )
    log.warning(
        "events_refused",
        project=str(project_id_of(request)),
        key_id=str(key_of(request).pk),
        refused=len(refused),
        reasons=dict(reasons.most_common(_REASONS_LOGGED)),
    )


class MetricsView(APIView):
    """Segment's browser client reports on itself here, without a key. Nobody here wants to know."""

    authentication_classes = []
    permission_classes = []
    parser_classes = []

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        return Response(_SUCCESS)


class SegmentSettingsView(APIView):
    """What Segment's browser client asks for first: which integrations there are, and where events go."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request, token: str) -> Response:
        key = selectors.active_key(token)
        if key is None or key.kind != KeyKind.WRITE.value:  # a secret key has no business in a web page
            raise RequestRefused("not_found", "There is no such write key.", status_code=404)
        scheme, host = _address(request)
        destination = {"apiKey": token, "apiHost": f"{host}/v1", "protocol": scheme}
        return Response(
            {"integrations": {"Segment.io": destination}, "plan": {"track": {"__default": {"enabled": True}}}}
        )


class RudderStackConfigView(IngestView):
    """What RudderStack's browser client asks for first."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        key = key_of(request)
        if key.kind != KeyKind.WRITE.value:
            raise not_found("write key")
        silent = {"enabled": False}
        source: dict[str, Any] = {
            "id": str(key.pk),
            "name": "LeadScore",
            "writeKey": token_of(request),
            "enabled": True,
            "workspaceId": str(key.project_id),
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        }
        return Response({"source": source, "updatedAt": timezone.now()})


def _address(request: Request) -> tuple[str, str]:
    """Return the scheme and host for events: those the browser reached us by, and of our own host the public scheme."""
    host = request.get_host()
    public = urlsplit(settings.PUBLIC_URL)
    return (public.scheme if host == public.netloc else request.scheme or "http"), host
