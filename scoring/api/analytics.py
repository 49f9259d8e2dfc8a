"""The figures that the dashboard draws."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import selectors as ingested
from ingest.api.authentication import project_id_of
from scoring import selectors
from scoring.api.representation import represent_ranked
from scoring.api.schema import RankedSerializer
from scoring.timelines import timeline_of

MINUTES = 60
TOP = 10


class StageCountSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField()
    leads = serializers.IntegerField()


class StagesSerializer(serializers.Serializer[Any]):
    results = StageCountSerializer(many=True, help_text="The lowest stage first.")


class MinuteSerializer(serializers.Serializer[Any]):
    minute = serializers.DateTimeField()
    events = serializers.IntegerField(help_text="Received in this minute.")


class ThroughputSerializer(serializers.Serializer[Any]):
    results = MinuteSerializer(many=True, help_text="The last hour, the oldest minute first.")


class OverviewSerializer(serializers.Serializer[Any]):
    leads = serializers.IntegerField()
    eventsLastHour = serializers.IntegerField()
    stages = StageCountSerializer(many=True)
    topLeads = RankedSerializer(many=True)


class OverviewView(APIView):
    """How many leads there are, where they stand, how busy the last hour was, and who leads."""

    @extend_schema(operation_id="get_overview", tags=["Analytics"], responses=OverviewSerializer)
    def get(self, request: Request) -> Response:
        project_id = project_id_of(request)
        timeline = timeline_of(project_id)
        stages = selectors.stage_counts(project_id, timeline=timeline)
        minutes = ingested.events_per_minute(project_id, minutes=MINUTES, now=timezone.now())
        top = selectors.leaderboard(project_id, limit=TOP, timeline=timeline)
        return Response(
            {
                "leads": sum(count for _, count in stages),
                "eventsLastHour": sum(count for _, count in minutes),
                "stages": _represent_stages(stages),
                "topLeads": [represent_ranked(row) for row in top],
            }
        )


class ThroughputView(APIView):
    """How many events were received in each minute of the last hour."""

    @extend_schema(operation_id="get_throughput", tags=["Analytics"], responses=ThroughputSerializer)
    def get(self, request: Request) -> Response:
        minutes = ingested.events_per_minute(project_id_of(request), minutes=MINUTES, now=timezone.now())
        return Response({"results": [{"minute": minute, "events": count} for minute, count in minutes]})


class StagesView(APIView):
    """How many leads stand in each stage."""

    @extend_schema(operation_id="get_stages", tags=["Analytics"], responses=StagesSerializer)
    def get(self, request: Request) -> Response:
        return Response({"results": _represent_stages(selectors.stage_counts(project_id_of(request)))})


def _represent_stages(stages: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"stage": stage, "leads": count} for stage, count in stages]
