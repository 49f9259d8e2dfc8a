"""The routes by which programs say which events do not count, or do, and look at what became of that."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import selectors
from ingest.api.authentication import key_of, project_id_of
from ingest.api.bodies import body_of
from ingest.api.errors import not_found, refusal
from ingest.api.lists import list_response
from ingest.api.schema import ProblemSerializer, RulingListSerializer, RulingSerializer
from ingest.core.adjustments import Author
from ingest.core.events import Refused
from ingest.core.rulings import MAX_BODY_BYTES, RulingFields, parse_wish
from ingest.models import Ruling
from ingest.services import rulings

SECONDS = 1.0  # that a request takes part in the work; the rest is done in the background


class _RuleView(APIView):
    """Say of events whether they count. `200`: it is done. `202`: it has begun, see `GET /api/rulings/{id}`."""

    verb: ClassVar[Ruling.Verb]

    def post(self, request: Request) -> Response:
        key = key_of(request)
        author = Author(id=str(key.pk), name=key.name or f"key {key.hint}…")
        try:
            wish = parse_wish(body_of(request, limit=MAX_BODY_BYTES))
            ruling = rulings.start(
                project_id_of(request), self.verb, wish, author=author, now=timezone.now(), seconds=SECONDS
            )
        except Refused as refused:
            raise refusal(refused) from None
        done = ruling.status == Ruling.Status.DONE
        return Response(represent_ruling(ruling), status=200 if done else 202)


_RULE = {
    "tags": ["Events"],
    "request": RulingFields,
    "responses": {
        200: RulingSerializer,
        202: RulingSerializer,
        (400, "application/problem+json"): ProblemSerializer,
        (404, "application/problem+json"): ProblemSerializer,
    },
}


class ExcludeView(_RuleView):
    verb = Ruling.Verb.EXCLUDE

    @extend_schema(operation_id="exclude_events", **_RULE)  # type: ignore[arg-type]
    def post(self, request: Request) -> Response:
        return super().post(request)


class IncludeView(_RuleView):
    verb = Ruling.Verb.INCLUDE

    @extend_schema(operation_id="include_events", **_RULE)  # type: ignore[arg-type]
    def post(self, request: Request) -> Response:
        return super().post(request)


class RulingsView(APIView):
    """What people and programs said of events, the newest first."""

    @extend_schema(
        operation_id="list_rulings",
        tags=["Events"],
        parameters=[
            OpenApiParameter("limit", int, description="Rows a page, up to 200."),
            OpenApiParameter("cursor", str),
        ],
        responses={200: RulingListSerializer},
    )
    def get(self, request: Request) -> Response:
        project_id = project_id_of(request)
        return list_response(
            request,
            lambda cursor, limit: selectors.rulings_page(project_id, cursor=cursor, limit=limit),
            represent_ruling,
        )


class RulingView(APIView):
    """One of them, and how far it has come."""

    @extend_schema(operation_id="get_ruling", tags=["Events"], responses={200: RulingSerializer})
    def get(self, request: Request, ruling_id: str) -> Response:
        ruling = selectors.ruling_of(project_id_of(request), ruling_id)
        if ruling is None:
            raise not_found("ruling")
        return Response(represent_ruling(ruling))


def represent_ruling(ruling: Ruling) -> dict[str, Any]:
    """Return a ruling as the API shows it."""
    return {
        "id": str(ruling.pk),
        "verb": ruling.verb,
        "dryRun": ruling.trial,
        "eventIds": None,
        "range": None,
        **ruling.selection,
        "reason": ruling.reason or None,
        "by": ruling.author_name,
        "status": ruling.status,
        "events": ruling.events,
        "leads": ruling.leads,
        "leadsDone": ruling.leads_done,
        "leadsTotal": ruling.leads_total,
        "error": ruling.error or None,
        "createdAt": ruling.created_at,
        "finishedAt": ruling.finished_at,
    }
