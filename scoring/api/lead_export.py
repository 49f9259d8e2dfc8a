"""The route that gives the leads of a project as a CSV file."""

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.api.authentication import project_id_of
from ingest.api.lists import choice_of, invalid_parameter, text_of
from scoring import selectors
from scoring.api.leads import FILTER_PARAMETERS
from scoring.lead_table import lead_table

MAX_TRAITS = 50


class LeadExportView(APIView):
    """The leads of the project as a table."""

    @extend_schema(
        operation_id="export_leads",
        tags=["Leads"],
        description="All leads that the list gives with these filters, as a CSV file: streamed, in one answer.",
        parameters=[
            *FILTER_PARAMETERS,
            OpenApiParameter("traits", str, description=f"Up to {MAX_TRAITS} traits as more columns: `plan,country`."),
            OpenApiParameter("bom", bool, description="Begin with a byte order mark, so that Excel reads UTF-8."),
        ],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        lines = lead_table(
            project_id_of(request),
            stage=text_of(request, "stage"),
            text=text_of(request, "q"),
            order=choice_of(request, "ordering", tuple(selectors.LEAD_ORDERS), "-createdAt"),
            traits=_traits(request),
            mark=choice_of(request, "bom", ("true", "false"), "false") == "true",
            now=timezone.now(),
        )
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="leads.csv"'},
        )


def _traits(request: Request) -> list[str]:
    """Return the traits that `?traits=` names, each once."""
    text = request.query_params.get("traits", "").replace("\x00", "")
    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if len(names) > MAX_TRAITS:
        raise invalid_parameter("traits", f"must name at most {MAX_TRAITS} traits")
    return names
