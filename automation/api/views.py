"""The routes that tell what automations did."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from automation import selectors
from automation.api.schema import ExportSerializer, RunListSerializer, TimelineSerializer
from automation.personal_data import file_name, personal_data
from automation.selectors import DeliveryLine, RunLine
from automation.timeline import Happening, StageChange, timeline_page
from ingest.api.authentication import project_id_of
from ingest.api.events import represent_exclusion
from ingest.api.lists import list_response
from ingest.merge_history import MERGED
from ingest.models import Event, Lead
from scoring.api.leads import LIST_PARAMETERS, lead_of


class RunsView(APIView):
    """What fired, for whom, why, and whether it was delivered; newest first."""

    @extend_schema(
        operation_id="list_runs",
        tags=["Automations"],
        parameters=[OpenApiParameter("lead", str, description="Only runs for this lead."), *LIST_PARAMETERS],
        responses={200: RunListSerializer},
    )
    def get(self, request: Request) -> Response:
        lead_id: UUID | None = None
        if wanted := request.query_params.get("lead"):
            lead_id = lead_of(request, wanted).pk
        return list_response(
            request,
            lambda cursor, limit: selectors.runs_page(
                project_id_of(request), lead_id=lead_id, cursor=cursor, limit=limit
            ),
            represent_run,
        )


class TimelineView(APIView):
    """A lead's events, stage changes and automation runs together, newest first."""

    @extend_schema(
        operation_id="lead_timeline", tags=["Leads"], parameters=LIST_PARAMETERS, responses={200: TimelineSerializer}
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        return list_response(
            request,
            lambda cursor, limit: timeline_page(lead.project_id, lead.pk, cursor=cursor, limit=limit),
            represent_happening,
        )


class ExportView(APIView):
    """Everything that is known of a person, with all leads that were merged: one JSON document, to hand over."""

    @extend_schema(operation_id="export_lead", tags=["Leads"], responses={200: ExportSerializer})
    def get(self, request: Request, lead_id: str) -> StreamingHttpResponse:
        return export_of(lead_of(request, lead_id))


def export_of(lead: Lead) -> StreamingHttpResponse:
    """Return the document about a lead as a file to download."""
    return StreamingHttpResponse(
        personal_data(lead, now=timezone.now()),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{file_name(lead)}"', "Cache-Control": "no-store"},
    )


def represent_run(run: RunLine) -> dict[str, Any]:
    """Return a run as the API shows it."""
    return {
        "id": str(run.id),
        "automationId": str(run.automation_id),
        "automation": run.automation,
        "leadId": str(run.lead_id),
        "lead": run.lead_label,
        "why": run.why,
        "facts": run.facts,
        "occurredAt": run.occurred_at,
        "firedAt": run.fired_at,
        "deliveries": [_represent_delivery(delivery) for delivery in run.deliveries],
    }


def _represent_delivery(delivery: DeliveryLine) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "kind": delivery.kind,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "detail": delivery.detail,
        "dueAt": delivery.due_at,
        "deliveredAt": delivery.delivered_at,
    }


def represent_happening(happening: Happening) -> dict[str, Any]:
    """Return a line of the timeline as the API shows it."""
    if isinstance(happening, RunLine):
        return {
            "kind": "automation_run",
            "occurredAt": happening.occurred_at,
            "run": represent_run(happening),
        }
    if isinstance(happening, StageChange):
        return {
            "kind": "stage_change",
            "occurredAt": happening.occurred_at,
            "eventId": happening.event_id or None,
            "eventType": happening.event_type or None,
            "oldStage": happening.old_stage,
            "newStage": happening.new_stage,
            "oldScore": happening.old_score,
            "newScore": happening.new_score,
        }
    if happening.kind == Event.Kind.MERGE:
        return {
            "kind": "merge" if happening.event_type == MERGED else "unmerge",
            "occurredAt": happening.occurred_at,
            "eventId": happening.event_id,
            "eventType": happening.event_type,
            "properties": happening.properties,
        }
    return {
        "kind": "event",
        "occurredAt": happening.occurred_at,
        "eventId": happening.event_id,
        "eventType": happening.event_type,
        "properties": happening.properties,
        "excluded": represent_exclusion(happening),
    }
