"""The route about a lead's sessions: when somebody visited, from where, and what it earned."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.api.lists import list_response
from ingest.core.visits import Touch
from scoring.api.leads import lead_of
from scoring.core.points import to_number
from scoring.visits import EarningVisit, visits_page


class SessionSerializer(serializers.Serializer[Any]):
    sessionId = serializers.CharField(allow_null=True, help_text="Null where events name no session.")
    startedAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField()
    durationSeconds = serializers.IntegerField()
    eventCount = serializers.IntegerField()
    pages = serializers.ListField(child=serializers.CharField(), help_text="Paths, each once, in their order.")
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field of JSON, not of DRF
    medium = serializers.CharField(allow_null=True)
    campaign = serializers.CharField(allow_null=True)
    referrer = serializers.CharField(allow_null=True)
    device = serializers.CharField(allow_null=True)
    points = serializers.FloatField(help_text="What its events added to the primary score.")


class SessionListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True, help_text="Always null: the list is read onwards.")
    results = SessionSerializer(many=True)


class SessionsView(APIView):
    """The sessions of a lead, the one that ended last first.

    Events without a session id belong together while no more than half an hour passes between them.
    """

    @extend_schema(
        operation_id="list_sessions",
        tags=["Leads"],
        parameters=[
            OpenApiParameter("limit", int, description="Rows a page, up to 200."),
            OpenApiParameter("cursor", str, description="Where a page begins, as given in `next`."),
        ],
        responses=SessionListSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        return list_response(
            request, lambda cursor, limit: visits_page(lead, cursor=cursor, limit=limit), represent_session
        )


def represent_session(earning: EarningVisit) -> dict[str, Any]:
    """Return a session as JSON."""
    visit = earning.visit
    return {
        "sessionId": visit.session_id or None,
        "startedAt": visit.began_at,
        "endedAt": visit.ended_at,
        "durationSeconds": visit.seconds,
        "eventCount": visit.event_count,
        "pages": list(visit.pages),
        **_represent_touch(visit.touch),
        "device": visit.device or None,
        "points": to_number(earning.points),
    }


def _represent_touch(touch: Touch) -> dict[str, str | None]:
    return {
        "source": touch.source or None,
        "medium": touch.medium or None,
        "campaign": touch.campaign or None,
        "referrer": touch.referrer or None,
    }
