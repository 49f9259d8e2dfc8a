"""The routes that say what a lead's score means and why it is what it is."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scoring import insight, selectors
from scoring.api import schema
from scoring.api.leads import lead_of
from scoring.api.moments import MOMENT_PARAMETERS, moment_of
from scoring.core.points import to_number
from scoring.timelines import timeline_of


class IntelligenceView(APIView):
    """What a lead's recent activity says, and what to do next."""

    @extend_schema(operation_id="get_intelligence", tags=["Leads"], responses=schema.IntelligenceSerializer)
    def get(self, request: Request, lead_id: str) -> Response:
        now = timezone.now()
        lead = lead_of(request, lead_id)
        timeline = timeline_of(lead.project_id)
        view = selectors.lead_view(lead, now=now, timeline=timeline)
        found = insight.intelligence_of(view, now=now, timeline=timeline)
        return Response(
            {
                "leadId": str(view.lead.pk),
                "score": to_number(view.score),
                "stage": view.stage,
                "velocity": found.velocity,
                "velocityLevel": found.velocity_level,
                "risk": found.risk,
                "trend": {
                    "direction": found.trend.direction,
                    "delta": to_number(found.trend.delta),
                },
                "nextAction": found.next_action,
                "recommendations": list(found.recommendations),
                "reasons": list(found.reasons),
            }
        )


class ExplainView(APIView):
    """The contributions a lead's score is the sum of."""

    @extend_schema(
        operation_id="explain_lead",
        tags=["Leads"],
        parameters=MOMENT_PARAMETERS,
        responses=schema.ExplanationSerializer,
    )
    def get(self, request: Request, lead_id: str) -> Response:
        lead, moment = lead_of(request, lead_id), moment_of(request)
        found = insight.explanation_of(lead, moment)
        return Response(
            {
                "leadId": str(lead.pk),
                "asOf": moment.time,
                "score": to_number(found.score),
                "stage": found.stage,
                "contributions": [
                    {
                        "occurredAt": part.occurred_at,
                        "kind": part.kind,
                        "points": to_number(part.points),
                        "rules": list(part.rules),
                        "sentence": part.sentence,
                    }
                    for part in found.contributions
                ],
                "refused": [
                    {
                        "occurredAt": refusal.occurred_at,
                        "rule": refusal.rule,
                        "points": to_number(refusal.points),
                        "sentence": refusal.sentence,
                    }
                    for refusal in found.refused
                ],
                "next": list(found.next),
            }
        )
