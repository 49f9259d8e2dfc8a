"""The pages: each reads arguments, asks selectors or calls one service, and renders."""

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin import site
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import push_url, reswap, retarget
from django_ratelimit.core import get_usage

from automation import selectors as automation
from ingest import selectors as ingest
from ingest.duplicates import suspicion_count
from ingest.models import Lead, User
from ingest.pages import CursorInvalid
from leadscore.dashboard import charts, firing, moments, queries
from leadscore.dashboard.access import Page, project_page
from leadscore.dashboard.exclusions import may_exclude
from leadscore.dashboard.forms import ORDERINGS, FireForm, LeadFilters
from leadscore.dashboard.lead_facts import lead_facts
from leadscore.dashboard.merging import lead_of_page
from scoring.visits import visits_page

LIVE_MINUTES = 60
VISITS_SHOWN = 5
FAILED_LOG_INS = "10/m"


class LogIn(LoginView):
    """The log-in. Only failures count against an address: an office behind one stays free to log in."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        failed = self._failures(increment=False)
        if failed and failed["count"] >= failed["limit"]:
            return too_many_attempts(request, wait=failed["time_left"])
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        self._failures(increment=True)
        return super().form_invalid(form)

    def _failures(self, *, increment: bool) -> dict[str, int] | None:
        usage: dict[str, int] | None = get_usage(
            self.request, group="log-in", key="ip", rate=FAILED_LOG_INS, method="POST", increment=increment
        )
        return usage


def log_in_to_admin(request: HttpRequest) -> HttpResponse:
    """Lead to the one log-in there is: beside another one its limit on guesses would mean nothing."""
    if site.has_permission(request):
        return redirect("admin:index")
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


def too_many_attempts(request: HttpRequest, *, wait: int) -> HttpResponse:
    """Tell somebody who keeps guessing to wait, and for how many seconds."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(max(1, wait))
    return response


@login_required
@never_cache
@require_safe
def first_project(request: HttpRequest) -> HttpResponse:
    """Lead to the overview of the reader's first project."""
    project = ingest.projects_of(cast("User", request.user)).first()
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
    shares = queries.stage_shares(page.project, timeline=page.timeline)
    now = timezone.now()
    minutes = ingest.events_per_minute(page.project.pk, minutes=LIVE_MINUTES, now=now)
    return page.live(
        "_overview",
        "overview",
        section="overview",
        throughput=charts.Throughput(minutes=tuple(minutes)),
        excluded=ingest.excluded_since(page.project.pk, minutes=LIVE_MINUTES, now=now),
        shares=shares,
        lead_total=sum(share.count for share in shares),
        top=queries.top_leads(page.project, timeline=page.timeline, stage="", limit=8),
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
    try:
        found = queries.leads_page(page.project, filters, timeline=page.timeline, now=timezone.now())
    except CursorInvalid:
        return redirect(reverse("lead_list", args=[page.project.pk]) + filters.query(None))
    return page.render(
        "_lead_rows" if page.wants_fragment else "lead_list",
        section="leads",
        filters=filters,
        orderings=ORDERINGS,
        scale=queries.scale_in(page.timeline),
        rows=found.rows,
        next_url=found.next and filters.query(found.next),
        previous_url=found.previous and filters.query(found.previous),
        **({} if page.wants_fragment else {"suspicions": suspicion_count(page.project.pk)}),
        export_query=filters.query(None),
    )


@require_safe
@project_page
def lead_page(page: Page, lead_id: UUID) -> HttpResponse:
    """Show one lead: the score and every reason for it, what to do next, and who it is."""
    lead = lead_of_page(page, lead_id)
    if lead.pk != lead_id:
        return page.move(reverse("lead_page", args=[page.project.pk, lead.pk]))
    scorecard, cursor = page.request.GET.get("scorecard") or None, page.request.GET.get("cursor") or None
    now = timezone.now()
    at = moments.read_moment(page.request.GET.get("at"), now=now)
    try:
        facts = lead_facts(lead, timeline=page.timeline, scorecard=scorecard, cursor=cursor, at=at, now=now)
    except CursorInvalid:
        return redirect("lead_page", page.project.pk, lead.pk)
    return page.live("_lead", "lead_page", section="leads", may_exclude=may_exclude(page.user), **facts)


@require_safe
@project_page
def lead_visits(page: Page, lead_id: UUID) -> HttpResponse:
    """List a lead's visits, the newest first: a part of its page to a script, else a page of its own."""
    lead = lead_of_page(page, lead_id)
    cursor = page.request.GET.get("cursor") or None
    try:
        found = visits_page(lead, cursor=cursor, limit=VISITS_SHOWN)
    except CursorInvalid:
        return redirect("lead_visits", page.project.pk, lead.pk)
    return page.render(
        "_visits" if page.wants_fragment else "visits_page",
        section="leads",
        lead=lead,
        visits=found.rows,
        later=cursor,
        next_url=found.next and f"?{urlencode({'cursor': found.next})}",
    )


@require_safe
@project_page
def leaderboard(page: Page) -> HttpResponse:
    """Rank the leads by score, all or those of a stage."""
    stage = LeadFilters.read(page.request.GET).stage
    scale = queries.scale_in(page.timeline)
    rows = queries.top_leads(page.project, timeline=page.timeline, stage=stage, limit=50)
    return page.live("_leaderboard", "leaderboard", section="leaderboard", scale=scale, stage=stage, rows=rows)


@require_safe
@project_page
def automation_list(page: Page) -> HttpResponse:
    """Show what happens by itself, and what happened: runs with the fate of their deliveries."""
    address = reverse("automation_list", args=[page.project.pk])
    try:
        runs = automation.runs_page(page.project.pk, cursor=page.request.GET.get("cursor"), limit=30)
    except CursorInvalid:
        return redirect(address)
    return page.live(
        "_runs",
        "automation_list",
        section="automations",
        automations=automation.automations_of(page.project.pk),
        runs=runs.rows,
        cursor=page.request.GET.get("cursor", ""),
        next_url=runs.next and f"?cursor={runs.next}",
        previous_url=runs.previous and f"?cursor={runs.previous}",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def fire_event(page: Page) -> HttpResponse:
    """Fire an event for a lead, known or new, and watch what it does."""
    if page.request.method != "POST":
        form = FireForm(initial={"who": page.request.GET.get("who"), "event_type": page.request.GET.get("event")})
        return _fire_page(page, form, lead=_chosen(page, page.request.GET.get("lead")))
    form = FireForm(page.request.POST)
    lead = firing.fire(page.project, form, now=timezone.now())
    if lead is None:
        return _refused(page, form)
    choice = urlencode({"lead": lead.pk, "event": form.chosen_type})
    address = f"{reverse('fire_event', args=[page.project.pk])}?{choice}"
    if not page.htmx:
        return redirect(address)
    return push_url(_fired(page, lead), address)


def _fired(page: Page, lead: Lead) -> HttpResponse:
    watch = page.fragment("_watch", **firing.watch(lead, timeline=page.timeline, now=timezone.now()))
    form = FireForm(initial={"who": "known"})
    who = page.fragment("_who", form=form, out_of_band=True, **_candidates(page, "", lead=lead))
    return HttpResponse(watch + who)


def _refused(page: Page, form: FireForm) -> HttpResponse:
    lead = _chosen(page, form.data.get("lead"))
    if not page.htmx:
        return _fire_page(page, form, lead=lead, status=422)
    # Scripts swap only answers that succeeded: the form comes back in place of itself, its mistakes named.
    response = page.render("_fire_form", **_form_context(page, form, lead=lead))
    return reswap(retarget(response, "#fire"), "outerHTML")


def _fire_page(page: Page, form: FireForm, *, lead: Lead | None, status: int = 200) -> HttpResponse:
    watched = firing.watch(lead, timeline=page.timeline, now=timezone.now()) if lead else {}
    context = {"section": "fire", **_form_context(page, form, lead=lead), **watched}
    return page.render("fire_event", status=status, **context)


def _form_context(page: Page, form: FireForm, *, lead: Lead | None) -> dict[str, Any]:
    choices = queries.event_choices(page.timeline)
    text = page.request.POST.get("find") or page.request.GET.get("find", "")
    return {
        "form": form,
        "choices": choices,
        **_candidates(page, text, lead=lead),
    }


@require_safe
@project_page
def fire_candidates(page: Page) -> HttpResponse:
    """Find leads to fire an event for; the one chosen already stays in the list."""
    lead = _chosen(page, page.request.GET.get("lead"))
    return page.render("_candidates", **_candidates(page, page.request.GET.get("find", ""), lead=lead))


def _candidates(page: Page, text: str, *, lead: Lead | None) -> dict[str, Any]:
    text = text.replace("\x00", "").strip()[:200]
    found = firing.candidates(page.project, text, chosen=lead, timeline=page.timeline, now=timezone.now())
    return {"find": text, "candidates": found, "chosen": lead and lead.pk}


@require_safe
@project_page
def fire_watch(page: Page, lead_id: UUID) -> HttpResponse:
    """Show a lead's standing and what became of its newest events."""
    watched = firing.watch(lead_of_page(page, lead_id), timeline=page.timeline, now=timezone.now())
    return page.live("_watch", "_watch", **watched)


def _chosen(page: Page, lead_id: str | None) -> Lead | None:
    """Return the lead an address names, if the project has it."""
    return ingest.lead_of(page.project.pk, lead_id) if lead_id else None
