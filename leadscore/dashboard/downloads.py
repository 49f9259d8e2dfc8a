"""What people can take away as a file: the leads of a list, and all of a project. Both are streamed."""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from ingest.models import Project
from leadscore.dashboard.access import Page, project_page
from leadscore.dashboard.forms import LeadFilters
from leadscore.export import export_lines
from scoring.lead_table import lead_table


@require_safe
@project_page
def lead_export(page: Page) -> HttpResponseBase:
    """Give the leads that the list shows, those of all its pages, as a CSV file that Excel reads."""
    filters = LeadFilters.read(page.request.GET)
    now = timezone.now()
    lines = lead_table(
        page.project.pk,
        stage=filters.stage or None,
        text=filters.q or None,
        order=filters.ordering,
        mark=True,
        now=now,
    )
    return _file(lines, f"{_name(page.project)}-leads-{now:%Y-%m-%d}.csv", "text/csv; charset=utf-8")


def may_export(page: Page) -> bool:
    """Return whether the reader may take all of the project away: those who may change it."""
    return page.user.is_staff and page.user.has_perm("ingest.change_project")


@require_safe
@project_page
def project_export(page: Page) -> HttpResponseBase:
    """Give everything about the project as JSON Lines."""
    if not may_export(page):
        raise PermissionDenied
    now = timezone.now()
    lines = export_lines(page.project.pk, now=now)
    return _file(lines, f"{_name(page.project)}-{now:%Y-%m-%d}.jsonl", "application/jsonl")


def _name(project: Project) -> str:
    return slugify(project.name) or "project"


def _file(parts: Iterable[str | bytes], name: str, kind: str) -> StreamingHttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return StreamingHttpResponse(parts, content_type=kind, headers={"Content-Disposition": disposition or "attachment"})
