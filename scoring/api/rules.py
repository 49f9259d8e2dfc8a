"""The routes about rules: those in force, the versions there have been, and trying rules out."""

from typing import Any

import orjson
from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.api.authentication import project_id_of
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, not_found
from ingest.api.lists import list_response
from ingest.api.schema import ProblemSerializer
from ingest.core.events import Problem
from ingest.pages import page_of
from scoring.api.leads import LIST_PARAMETERS
from scoring.api.representation import represent_simulation
from scoring.api.schema import SimulationRequestSerializer, SimulationSerializer
from scoring.core.changes import Change, changes
from scoring.core.ruleset import parse_ruleset
from scoring.models import RulesetVersion
from scoring.simulation import MAX_BYTES, RequestInvalid, VersionUnknown, try_rules


class RulesetSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    appliesFrom = serializers.DateTimeField(allow_null=True, help_text="Null: from always.")
    publishedAt = serializers.DateTimeField()
    publishedBy = serializers.CharField(allow_null=True)
    note = serializers.CharField()
    rollbackOf = serializers.IntegerField(allow_null=True, help_text="The version whose ruleset this one repeats.")
    contentHash = serializers.CharField(help_text="The same for the same ruleset: SHA-256 of it, its keys sorted.")
    changes = serializers.ListField(
        child=serializers.CharField(), help_text="How it differs from the version before, in words."
    )
    ruleset = serializers.DictField(help_text="The ruleset, without what is at its default: two of them compare.")


class RulesetListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RulesetSerializer(many=True)


class RulesView(APIView):
    """The rules in force."""

    @extend_schema(operation_id="get_rules", tags=["Rules"], responses=RulesetSerializer)
    def get(self, request: Request) -> Response:
        return Response(_represent(_versions(request).latest("number")))


class RulesetsView(APIView):
    """All published versions, the newest first."""

    @extend_schema(
        operation_id="list_rulesets", tags=["Rules"], parameters=LIST_PARAMETERS, responses=RulesetListSerializer
    )
    def get(self, request: Request) -> Response:
        return list_response(
            request,
            lambda cursor, limit: page_of(_versions(request), order=("-number",), cursor=cursor, limit=limit),
            _represent,
        )


class SimulateView(APIView):
    """Try rules out on a list of events; nothing is stored."""

    @extend_schema(
        operation_id="simulate_rules",
        tags=["Rules"],
        request=SimulationRequestSerializer,
        responses={
            200: SimulationSerializer,
            (400, "application/problem+json"): ProblemSerializer,
            (404, "application/problem+json"): ProblemSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        try:
            data = orjson.loads(body_of(request, limit=MAX_BYTES))
        except orjson.JSONDecodeError:
            raise _invalid("invalid_json", [("", "is not JSON")]) from None
        found = try_rules(project_id_of(request), data)
        if isinstance(found, VersionUnknown):
            raise not_found("ruleset version")
        if isinstance(found, RequestInvalid):
            raise _invalid(found.code, found.mistakes)
        return Response(represent_simulation(found))


def _invalid(code: str, mistakes: list[tuple[str, str]]) -> RequestRefused:
    told = mistakes[:100]
    detail = "; ".join(f"{pointer or 'The body'} {words}" for pointer, words in told[:5])
    return RequestRefused(code, detail, problems=[Problem(pointer=pointer, detail=words) for pointer, words in told])


def _versions(request: Request) -> QuerySet[RulesetVersion]:
    """Return the versions of the request's project, each with the content of the one `before`."""
    own = RulesetVersion.objects.filter(project=project_id_of(request))
    before = own.filter(number=OuterRef("number") - 1).values("content")[:1]
    return own.select_related("published_by").annotate(before=Subquery(before))


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return changes(parse_ruleset(old), parse_ruleset(new))


def _represent(version: RulesetVersion) -> dict[str, Any]:
    before = version.before  # type: ignore[attr-defined]  # annotated by _versions
    by = version.published_by
    return {
        "version": version.number,
        "appliesFrom": version.applies_from,
        "publishedAt": version.published_at,
        "publishedBy": None if by is None else str(by),
        "note": version.note,
        "rollbackOf": version.rollback_of,
        "contentHash": version.content_hash,
        "changes": [] if before is None else [str(change) for change in _changes(before, version.content)],
        "ruleset": version.content,
    }
