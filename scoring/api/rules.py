"""The routes about rules: those in force, and the versions there have been."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.api.authentication import project_id_of
from ingest.api.lists import list_response
from ingest.pages import page_of
from scoring.api.leads import LIST_PARAMETERS
from scoring.models import RulesetVersion
from scoring.services.rulesets import latest_version


class RulesetSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    appliesFrom = serializers.DateTimeField(allow_null=True, help_text="Null: from always.")
    publishedAt = serializers.DateTimeField()
    publishedBy = serializers.CharField(allow_null=True)
    note = serializers.CharField()
    ruleset = serializers.DictField()


class RulesetListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RulesetSerializer(many=True)


class RulesView(APIView):
    """The rules in force."""

    @extend_schema(operation_id="get_rules", tags=["Rules"], responses=RulesetSerializer)
    def get(self, request: Request) -> Response:
        return Response(_represent(latest_version(project_id_of(request))))


class RulesetsView(APIView):
    """All published versions, the newest first."""

    @extend_schema(
        operation_id="list_rulesets", tags=["Rules"], parameters=LIST_PARAMETERS, responses=RulesetListSerializer
    )
    def get(self, request: Request) -> Response:
        versions = RulesetVersion.objects.filter(project=project_id_of(request)).select_related("published_by")
        return list_response(
            request,
            lambda cursor, limit: page_of(versions, order=("-number",), cursor=cursor, limit=limit),
            _represent,
        )


def _represent(version: RulesetVersion) -> dict[str, Any]:
    by = version.published_by
    return {
        "version": version.number,
        "appliesFrom": version.applies_from,
        "publishedAt": version.published_at,
        "publishedBy": None if by is None else str(by),
        "note": version.note,
        "ruleset": version.content,
    }
