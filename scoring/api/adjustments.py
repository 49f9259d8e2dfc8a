"""The route by which programs adjust a lead's score by hand."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.api.authentication import key_of
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused, refusal
from ingest.api.schema import ProblemSerializer
from ingest.core.adjustments import AdjustmentFields, Author, parse_adjustment
from ingest.core.events import MAX_EVENT_BYTES, Problem, Refused
from ingest.services.adjustments import IdTaken
from scoring.api.leads import lead_of
from scoring.api.schema import AdjustedSerializer
from scoring.services.adjustments import ScorecardUnknown, adjust


class AdjustmentsView(APIView):
    """Give or take points of a lead. A `202` means that it is stored for good; it counts within moments."""

    @extend_schema(
        operation_id="adjust_lead",
        tags=["Leads"],
        request=AdjustmentFields,
        responses={
            202: AdjustedSerializer,
            (400, "application/problem+json"): ProblemSerializer,
            (409, "application/problem+json"): ProblemSerializer,
        },
    )
    def post(self, request: Request, lead_id: str) -> Response:
        lead = lead_of(request, lead_id)
        try:
            adjustment = parse_adjustment(body_of(request, limit=MAX_EVENT_BYTES))
        except Refused as refused:
            raise refusal(refused) from None
        key = key_of(request)
        author = Author(id=str(key.pk), name=key.name or f"key {key.hint}…")
        outcome = adjust(lead, adjustment, author=author, now=timezone.now())
        if isinstance(outcome, Refused):
            raise refusal(outcome)
        if isinstance(outcome, ScorecardUnknown):
            detail = f"must be one of {', '.join(outcome.known)}"
            raise refusal(Refused("invalid", (Problem(pointer="/scorecard", detail=detail),)))
        if isinstance(outcome, IdTaken):
            detail = "is the id of another event of this project"
            raise RequestRefused(
                "id_taken",
                "This adjustmentId is taken by another event.",
                status_code=409,
                problems=[Problem(pointer="/adjustmentId", detail=detail)],
            )
        answer = {
            "status": "duplicate" if outcome.duplicate else "queued",
            "adjustmentId": outcome.event_id,
            "leadId": str(lead.pk),
        }
        return Response(answer, status=202)
