"""The pages: each reads arguments, asks selectors or calls one service, and renders."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import push_url, reswap, retarget
from django_ratelimit.core import is_ratelimited

from ingest import selectors as ingest
from ingest.models import Lead, User
from ingest.pages import CursorInvalid
from ingest.services import events, leads
from leadscore.dashboard import charts, firing, queries
from leadscore.dashboard.access import Page, project_page
from leadscore.dashboard.forms import ORDERINGS, FireForm, LeadFilters
from leadscore.dashboard.values import standing_at

LIVE_MINUTES = 60
FAILED_LOG_INS = "10/m"


class LogIn(LoginView):
    """The log-in. Only failures count against an address, so that an office behind one does not lock itself out."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self._failures(increment=False):
            return render(request, "429.html", status=429, headers={"Retry-After": "60"})
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        self._failures(increment=True)
        return super().form_invalid(form)

    def _failures(self, *, increment: bool) -> bool:
        return bool(
            is_ratelimited(
                self.request, group="log-in", key="ip", rate=FAILED_LOG_INS, method="POST", increment=increment
            )
        )


@login_required
@never_cache
@require_safe
def first_project(request: HttpRequest) -> HttpResponse:
    """Lead to the overview of the reader's first project."""
    assert isinstance(request.user, User)
    project = ingest.projects_of(request.user).first()
    if project is None:
        return render(request, "dashboard/no_project.html")
    return redirect("overview", project.pk)


@require_safe
@project_page
def overview(page: Page) -> HttpResponse:
    """Show what is going on: events a minute, leads by stage, who leads, what came in last."""
    if not queries.has_leads(page.project):
        return _first_steps(page)
    if page.htmx.target == "first-steps":
        return page.reload()
    scale = queries.scale_of(page.project)
    shares = queries.stage_shares(page.project, scale=scale)
    minutes = ingest.events_per_minute(page.project.pk, minutes=LIVE_MINUTES, now=timezone.now())
    return page.live(
        "_overview",
        "overview",
        section="overview",
        throughput=charts.Throughput(minutes=tuple(minutes)),
        shares=shares,
        lead_total=sum(share.count for share in shares),
        top=queries.top_leads(page.project, scale=scale, stage="", limit=8),
        newest=queries.newest_events(page.project, limit=8),
    )


def _first_steps(page: Page) -> HttpResponse:
    if page.wants_fragment:
        return HttpResponse(status=204)
    return page.render(
        "first_steps",
        section="overview",
        write_token=queries.write_token(page.project),
        events_url=page.request.build_absolute_uri("/api/events"),
    )


@require_safe
@project_page
def lead_list(page: Page) -> HttpResponse:
    """List the project's leads; the address holds the search, stage, order and place."""
    filters = LeadFilters.read(page.request.GET)
    scale = queries.scale_of(page.project)
    try:
        found = queries.leads_page(page.project, filters, scale=scale)
    except CursorInvalid:
        return redirect(reverse("lead_list", args=[page.project.pk]) + filters.query(None))
    return page.render(
        "_lead_rows" if page.wants_fragment else "lead_list",
        section="leads",
        filters=filters,
        orderings=ORDERINGS,
        scale=scale,
        rows=found.rows,
        next_url=found.next and filters.query(found.next),
        previous_url=found.previous and filters.query(found.previous),
    )


@require_safe
@project_page
def lead_page(page: Page, lead_id: UUID) -> HttpResponse:
    """Show one lead: the score and every reason for it, what to do next, and who it is."""
    lead = _lead(page, lead_id)
    return page.live("_lead", "lead_page", section="leads", **queries.lead_facts(page.project, lead, page.request.GET))


@require_safe
@project_page
def leaderboard(page: Page) -> HttpResponse:
    """Rank the leads by score, all or those of a stage."""
    stage = LeadFilters.read(page.request.GET).stage
    scale = queries.scale_of(page.project)
    rows = queries.top_leads(page.project, scale=scale, stage=stage, limit=50)
    return page.live("_leaderboard", "leaderboard", section="leaderboard", scale=scale, stage=stage, rows=rows)


@require_safe
@project_page
def automation_list(page: Page) -> HttpResponse:
    """Show what happens by itself, and what happened: runs with the fate of their deliveries."""
    address = reverse("automation_list", args=[page.project.pk])
    try:
        runs = queries.runs_page(page.project, cursor=page.request.GET.get("cursor"), limit=30)
    except CursorInvalid:
        return redirect(address)
    return page.live(
        "_runs",
        "automation_list",
        section="automations",
        automations=() if page.wants_fragment else queries.automations_of(page.project),
        runs=runs.rows,
        cursor=page.request.GET.get("cursor", ""),
        next_url=runs.next and f"?cursor={runs.next}",
        previous_url=runs.previous and f"?cursor={runs.previous}",
    )
