"""The routes about leads: who they are, where they stand, and why."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import selectors as ingested
from ingest.api.authentication import project_id_of, who_asks
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, not_found, refusal
from ingest.api.lists import choice_of, limit_of, list_response, text_of
from ingest.core.events import MAX_EVENT_BYTES, Problem, Refused
from ingest.core.leads import LeadDescription, LeadFields, parse_lead
from ingest.models import Erasure, Lead
from ingest.services.erasures import erase
from ingest.services.leads import NameTaken, create_lead, update_lead
from scoring import insight, selectors
from scoring.api import schema
from scoring.api.moments import MOMENT_PARAMETERS, moment_of
from scoring.api.representation import represent_lead, represent_line, represent_ranked

LIST_PARAMETERS = [
    OpenApiParameter("limit", int, description="Rows a page, up to 200."),
    OpenApiParameter("cursor", str, description="Where a page begins, as given in `next` or `previous`."),
]
FILTER_PARAMETERS = [
    OpenApiParameter("stage", str, description="Only leads in this stage."),
    OpenApiParameter("q", str, description="Only leads whose name, e-mail or company contains this."),
    OpenApiParameter("ordering", str, enum=list(selectors.LEAD_ORDERS)),
]


class LeadsView(APIView):
    """The leads of the project."""

    @extend_schema(
        operation_id="list_leads",
        tags=["Leads"],
        parameters=[*FILTER_PARAMETERS, *LIST_PARAMETERS],
        responses=schema.LeadListSerializer,
    )
    def get(self, request: Request) -> Response:
        project_id = project_id_of(request)
        order = choice_of(request, "ordering", tuple(selectors.LEAD_ORDERS), "-createdAt")
        return list_response(
            request,
            lambda cursor, limit: selectors.leads_page(
                project_id,
                stage=text_of(request, "stage"),
                text=text_of(request, "q"),
                order=order,
                cursor=cursor,
                limit=limit,
                now=timezone.now(),
            ),
            represent_lead,
        )

    @extend_schema(
        operation_id="create_lead",
        tags=["Leads"],
        request=LeadFields,
        responses={201: schema.LeadSerializer},
    )
    def post(self, request: Request) -> Response:
        project_id = project_id_of(request)
        described = _description(request)
        try:
            outcome = create_lead(project_id, names=described.names, traits=described.traits, now=timezone.now())
        except Refused as refused:
            raise refusal(refused) from None
        if isinstance(outcome, NameTaken):
            raise _taken(outcome)
        return Response(_represent(lead_of(request, str(outcome.lead_id))), status=201)


class LeadView(APIView):
    """One lead."""

    @extend_schema(
        operation_id="get_lead", tags=["Leads"], parameters=MOMENT_PARAMETERS, responses=schema.LeadSerializer
    )
    def get(self, request: Request, lead_id: str) -> Response:
        moment = moment_of(request)
        return Response(represent_lead(insight.view_of(lead_of(request, lead_id), moment)))

    @extend_schema(operation_id="update_lead", tags=["Leads"], request=LeadFields, responses=schema.LeadSerializer)
    def patch(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        described = _description(request)
        try:
            outcome = update_lead(
                lead.project_id, lead.pk, names=described.names, traits=described.traits, now=timezone.now()
            )
        except Refused as refused:
            raise refusal(refused) from None
        if isinstance(outcome, NameTaken):
            raise _taken(outcome)
        return Response(_represent(lead_of(request, lead_id)))

    @extend_schema(operation_id="erase_lead", tags=["Leads"], responses={204: None})
    def delete(self, request: Request, lead_id: str) -> Response:
        """Erase the person for good: all leads that were merged with this one, too. Their names are suppressed.

        What stays is that events of these types happened at these times, of nobody.
        """
        lead = lead_of(request, lead_id)
        erased = erase(lead.project_id, lead.pk, cause=Erasure.Cause.REQUEST, by=who_asks(request), now=timezone.now())
        if erased is None:
            raise not_found("lead")
        return Response(status=204)


class HistoryView(APIView):
    """The score ledger of a lead."""

    @extend_schema(
        operation_id="get_history",
        tags=["Leads"],
        parameters=[
            OpenApiParameter("scorecard", str, description="By default the primary one."),
            *MOMENT_PARAMETERS,
            *LIST_PARAMETERS,
        ],
        responses=schema.EntryListSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead, moment = lead_of(request, lead_id), moment_of(request)
        return list_response(
            request,
            lambda cursor, limit: insight.history_of(
                lead, moment, scorecard=text_of(request, "scorecard"), cursor=cursor, limit=limit
            ),
            represent_line,
        )


class LeaderboardView(APIView):
    """The leads with the highest scores."""

    @extend_schema(
        operation_id="get_leaderboard",
        tags=["Leads"],
        parameters=[
            OpenApiParameter("limit", int, description="Rows, up to 200."),
            OpenApiParameter("stage", str, description="Only leads in this stage."),
        ],
        responses=schema.LeaderboardSerializer,
    )
    def get(self, request: Request) -> Response:
        ranked = selectors.leaderboard(project_id_of(request), stage=text_of(request, "stage"), limit=limit_of(request))
        return Response({"results": [represent_ranked(row) for row in ranked]})


def lead_of(request: Request, lead_id: str) -> Lead:
    """Return the lead of a URL, if the project has it; refuse with 404."""
    lead = ingested.lead_of(project_id_of(request), lead_id)
    if lead is None:
        raise not_found("lead")
    return lead


def represent_now(project_id: UUID, lead_id: UUID) -> dict[str, Any]:
    """Return the lead that stands for this one of the project as the API shows it, as it is stored now."""
    lead = ingested.lead_of(project_id, lead_id)
    if lead is None:
        raise not_found("lead")
    return _represent(lead)


def _represent(lead: Lead) -> dict[str, Any]:
    return represent_lead(selectors.lead_view(lead, now=timezone.now()))


def _description(request: Request) -> LeadDescription:
    try:
        return parse_lead(body_of(request, limit=MAX_EVENT_BYTES))
    except Refused as refused:
        raise refusal(refused) from None


def _taken(outcome: NameTaken) -> RequestRefused:
    pointers = {"user_id": "/userId", "email": "/email", "anonymous_id": "/anonymousId"}
    detail = f"belongs to another lead already: {outcome.name.value}"
    return RequestRefused(
        "lead_exists",
        "A lead with this identifier exists already.",
        status_code=409,
        problems=[Problem(pointer=pointers[outcome.name.kind], detail=detail)],
        leadId=str(outcome.lead_id),
    )
