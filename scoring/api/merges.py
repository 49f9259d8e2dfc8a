"""The routes by which programs make two leads one, and two again, and ask which may be one."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import selectors as ingested
from ingest.api.authentication import project_id_of, who_asks
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, not_found, refusal
from ingest.api.lists import list_response
from ingest.api.schema import ProblemSerializer
from ingest.core.events import MAX_EVENT_BYTES, Problem, Refused
from ingest.core.leads import OtherLead, parse_other_lead
from ingest.duplicates import Suspicion, suspicions_page
from ingest.pages import Page
from ingest.services.merges import MergeRefused, merge_leads, separate_leads
from scoring.api.leads import LIST_PARAMETERS, represent_now
from scoring.api.representation import represent_lead
from scoring.api.schema import LeadSerializer, SuspicionListSerializer
from scoring.selectors import LeadView, lead_views
from scoring.timelines import timeline_of

_ANSWERS = {
    200: LeadSerializer,
    (400, "application/problem+json"): ProblemSerializer,
    (404, "application/problem+json"): ProblemSerializer,
    (409, "application/problem+json"): ProblemSerializer,
}


class MergeView(APIView):
    """Make two leads one, which the answer shows: the known one survives, of two such the older.

    Both ids stand for it from now on. Its score follows from the events of both within moments.
    """

    @extend_schema(operation_id="merge_leads", tags=["Leads"], request=OtherLead, responses=_ANSWERS)
    def post(self, request: Request, lead_id: str) -> Response:
        one, other = _both(request, lead_id)
        outcome = merge_leads(project_id_of(request), one, other, by=who_asks(request), now=timezone.now())
        if isinstance(outcome, MergeRefused):
            raise RequestRefused(outcome.code, outcome.detail, status_code=409)
        return Response(represent_now(project_id_of(request), one))


class UnmergeView(APIView):
    """Undo a merge: both leads are again what they would be if it had never been. The answer shows the first."""

    @extend_schema(operation_id="unmerge_leads", tags=["Leads"], request=OtherLead, responses=_ANSWERS)
    def post(self, request: Request, lead_id: str) -> Response:
        one, other = _both(request, lead_id)
        outcome = separate_leads(project_id_of(request), one, other, by=who_asks(request), now=timezone.now())
        if isinstance(outcome, MergeRefused):
            raise RequestRefused(outcome.code, outcome.detail, status_code=409)
        return Response(represent_now(project_id_of(request), one))


class DuplicatesView(APIView):
    """Leads that may be one person, by what they have in common, the newest suspicion first.

    Merged leads, and those that somebody has said are not the same, are not among them.
    """

    @extend_schema(
        operation_id="list_duplicates",
        tags=["Leads"],
        parameters=LIST_PARAMETERS,
        responses={200: SuspicionListSerializer, (400, "application/problem+json"): ProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        project_id, now = project_id_of(request), timezone.now()

        def page(cursor: str | None, limit: int) -> Page[tuple[Suspicion, dict[UUID, LeadView]]]:
            timeline = timeline_of(project_id)
            found = suspicions_page(project_id, cursor=cursor, limit=limit)
            views = lead_views(
                [lead for suspicion in found.rows for lead in suspicion.leads], timeline=timeline, now=now
            )
            return found.map(lambda suspicion: (suspicion, views))

        return list_response(request, page, lambda row: _represent(*row))


def _represent(suspicion: Suspicion, views: dict[UUID, LeadView]) -> dict[str, Any]:
    return {
        "id": str(suspicion.id),
        "inCommon": suspicion.kind,
        "since": suspicion.since,
        "leads": [represent_lead(views[lead.pk]) for lead in suspicion.leads],
    }


def _both(request: Request, lead_id: str) -> tuple[UUID, UUID]:
    """Return the ids of the lead of the URL and of the one in the body, as they are given; refuse unknown ones."""
    one = ingested.id_of_lead(project_id_of(request), lead_id)
    if one is None:
        raise not_found("lead")
    try:
        wanted = parse_other_lead(body_of(request, limit=MAX_EVENT_BYTES))
    except Refused as refused:
        raise refusal(refused) from None
    other = ingested.id_of_lead(project_id_of(request), wanted)
    if other is None:
        problem = Problem(pointer="/otherId", detail=f"is no lead of this project: {wanted}")
        raise refusal(Refused("lead_not_found", (problem,)))
    return one, other
