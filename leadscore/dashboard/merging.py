"""The pages about who is who: merging leads by hand, separating them, and suspected duplicates."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ingest import selectors as ingest
from ingest.core.matching import MAX_GROUP
from ingest.models import Lead
from ingest.pages import CursorInvalid
from ingest.services.duplicates import dismiss
from ingest.services.merges import MergeRefused, merge_leads, separate_leads
from leadscore.dashboard import firing, merge_facts
from leadscore.dashboard.access import Page, project_page

FROM_DUPLICATES = "duplicates"


def lead_of_page(page: Page, lead_id: UUID | str | None) -> Lead:
    """Return the lead that an id of the project stands for, or answer 404."""
    lead = ingest.lead_of(page.project.pk, lead_id) if lead_id else None
    if lead is None:
        raise Http404
    return lead


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def lead_merge(page: Page, lead_id: UUID) -> HttpResponse:
    """Find another lead, see both side by side, and make them one."""
    lead = lead_of_page(page, lead_id)
    if page.request.method == "POST":
        return _merge(page, lead, lead_of_page(page, page.request.POST.get("lead")))
    if lead.pk != lead_id:
        return redirect(_address(page, lead, page.request.GET))
    other = ingest.lead_of(page.project.pk, page.request.GET["lead"]) if page.request.GET.get("lead") else None
    context: dict[str, Any] = {"lead": lead, "origin": _origin(page.request.GET)}
    if page.htmx.target == "candidates":
        return page.render("_candidates", **context, **_candidates(page, lead, other))
    context |= (
        merge_facts.preview(page.project, lead, other, timeline=page.timeline, now=timezone.now()) if other else {}
    )
    if page.htmx.target == "preview":
        return page.render("_merge_preview", **context)
    return page.render("lead_merge", section="leads", **context, **_candidates(page, lead, other))


def _candidates(page: Page, lead: Lead, other: Lead | None) -> dict[str, Any]:
    text = page.request.GET.get("find", "").replace("\x00", "").strip()[:200]
    chosen = None if other == lead else other
    found = firing.candidates(page.project, text, chosen=chosen, but=lead, timeline=page.timeline, now=timezone.now())
    return {"find": text, "candidates": found, "chosen": chosen and chosen.pk, "merge_with": lead}


def _merge(page: Page, lead: Lead, other: Lead) -> HttpResponse:
    outcome = merge_leads(page.project.pk, lead.pk, other.pk, by=str(page.user), now=timezone.now())
    origin = _origin(page.request.POST)
    if isinstance(outcome, MergeRefused):
        messages.error(page.request, f"They were not merged. {outcome.detail}")
        return redirect(_address(page, lead, {"lead": str(other.pk), "from": origin}))
    absorbed, kept = (lead, other) if outcome.survivor == other.pk else (other, lead)
    messages.success(page.request, f"{absorbed.label} is part of {kept.label} now. The score follows within moments.")
    if origin == FROM_DUPLICATES:
        return redirect("duplicates", page.project.pk)
    return redirect("lead_page", page.project.pk, outcome.survivor)


def _origin(fields: Any) -> str:
    """Return where a merge was begun, to lead back there."""
    return FROM_DUPLICATES if fields.get("from") == FROM_DUPLICATES else ""


def _address(page: Page, lead: Lead, fields: Any) -> str:
    kept = {name: value for name in ("lead", "from", "find") if (value := fields.get(name))}
    return f"{reverse('lead_merge', args=[page.project.pk, lead.pk])}?{urlencode(kept)}"


@require_POST
@project_page
def lead_separate(page: Page, lead_id: UUID) -> HttpResponse:
    """Undo the merge that made another lead part of this one."""
    lead = lead_of_page(page, lead_id)
    other_id = ingest.id_of_lead(page.project.pk, page.request.POST.get("lead", ""))
    if other_id is None:
        raise Http404
    outcome = separate_leads(page.project.pk, lead.pk, other_id, by=str(page.user), now=timezone.now())
    if isinstance(outcome, MergeRefused):
        messages.error(page.request, outcome.detail)
    else:
        separated, rest = (lead_of_page(page, each) for each in (outcome.separated, outcome.survivor))
        messages.success(
            page.request,
            f"{separated.label} and {rest.label} are separate again, each with its own events. No event will merge "
            "them any more; their scores follow within moments.",
        )
    return redirect("lead_page", page.project.pk, lead.pk)


@require_safe
@project_page
def duplicates(page: Page) -> HttpResponse:
    """Show which leads may be one person, and why."""
    cursor = page.request.GET.get("cursor") or None
    try:
        context = merge_facts.suspicions(page.project, cursor=cursor, timeline=page.timeline, now=timezone.now())
    except CursorInvalid:
        return redirect("duplicates", page.project.pk)
    return page.render("duplicates", section="duplicates", **context)


@require_POST
@project_page
def duplicates_dismiss(page: Page) -> HttpResponse:
    """Remember that leads are not the same person."""
    lead_ids = {lead_of_page(page, lead_id).pk for lead_id in page.request.POST.getlist("lead")[:MAX_GROUP]}
    if len(lead_ids) < 2:
        raise Http404
    dismiss(page.project.pk, lead_ids, by=str(page.user), now=timezone.now())
    messages.success(page.request, "Noted: they are not the same. They are not suspected of it any more.")
    return redirect("duplicates", page.project.pk)
