"""The page about rules: the draft and what publishing it would do, the versions there have been, and going back."""

from typing import Any, NoReturn

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from leadscore.dashboard import queries, rule_facts
from leadscore.dashboard.access import Page, digest_of, project_page
from scoring.models import RulesetVersion, Walk
from scoring.services import publication, walks
from scoring.services.rollback import RolledBack, restore_draft, roll_back
from scoring.services.rulesets import NothingChanged, Published


class PublishForm(forms.Form):
    """How rules are put in force, and why."""

    applies = forms.ChoiceField(choices=[("always", "always"), ("now", "now")])
    note = forms.CharField(max_length=200, required=False)


# --- The page --------------------------------------------------------------------------------------------------------


def _may_change(page: Page) -> bool:
    return page.user.has_perm("scoring.change_scorecard")


def _require_change(page: Page) -> None:
    if not _may_change(page):
        raise PermissionDenied


@require_safe
@project_page
def rules(page: Page) -> HttpResponse:
    """Show the draft against what is in force, its preview, and the versions there have been."""
    context = _preview_context(page)
    if page.wants_fragment:
        return page.live("_rules_preview", "rules", **context)
    versions = rule_facts.versions_of(page.project)
    return page.render("rules", section="rules", versions=versions, seen=digest_of(context), **context)


def _preview_context(page: Page) -> dict[str, Any]:
    now = timezone.now()
    project_id = page.project.pk
    draft = publication.draft_against_version(project_id)
    preview = walks.newest_walk(project_id, Walk.Kind.PREVIEW)
    rescore = walks.newest_walk(project_id, Walk.Kind.RESCORE)
    running = rule_facts.walk_view(preview, now=now)
    return {
        "draft": draft,
        "may_change": _may_change(page),
        "preview": rule_facts.preview_view(preview, draft_hash=draft.content_hash, scale=queries.scale_of(project_id)),
        "previewing": running if running is not None and running.status != Walk.Status.DONE else None,
        "rescore": rule_facts.walk_view(rescore, now=now),
        "is_live": any(walk is not None and walk.status == Walk.Status.RUNNING for walk in (preview, rescore)),
    }


@require_POST
@project_page
def rules_preview(page: Page) -> HttpResponse:
    """Begin to count what publishing the draft would do."""
    _require_change(page)
    draft = publication.draft_against_version(page.project.pk)
    if draft.spec is not None:
        walks.start_preview(page.project.pk, draft.spec, by=page.user, now=timezone.now())
    if page.wants_fragment:
        return page.live("_rules_preview", "rules", **_preview_context(page))
    return _back(page, "#preview")


@require_POST
@project_page
def rules_publish(page: Page) -> HttpResponse:
    """Put the draft in force."""
    _require_change(page)
    form = _form(page)
    now = timezone.now()
    if page.request.POST.get("content_hash") != publication.draft_against_version(page.project.pk).content_hash:
        messages.error(page.request, "The draft has changed since you looked at it. Look again before you publish.")
        return _back(page)
    outcome = publication.publish_draft(
        page.project.pk,
        by=page.user,
        note=form["note"],
        applies_from=now if form["applies"] == "now" else None,
        now=now,
    )
    if isinstance(outcome, Published):
        messages.success(page.request, _told(outcome.version))
    elif isinstance(outcome, NothingChanged):
        messages.info(page.request, f"The draft is the same as version {outcome.version.number}.")
    else:
        messages.error(page.request, "The draft cannot be published yet; what is wrong stands below.")
    return _back(page)


@require_POST
@project_page
def rules_roll_back(page: Page, number: int) -> HttpResponse:
    """Publish what an earlier version says as the next version."""
    _require_change(page)
    form = _form(page)
    now = timezone.now()
    outcome = roll_back(
        page.project.pk,
        number,
        by=page.user,
        note=form["note"] or f"Back to version {number}",
        applies_from=now if form["applies"] == "now" else None,
        now=now,
    )
    if isinstance(outcome, RolledBack):
        messages.success(page.request, _told_back(outcome, number))
    elif isinstance(outcome, NothingChanged):
        messages.info(page.request, f"Version {number} says what is in force already.")
    else:
        _not_found()
    return _back(page)


@require_POST
@project_page
def rules_restore_draft(page: Page, number: int) -> HttpResponse:
    """Bring back the draft that a rollback put aside."""
    _require_change(page)
    if not isinstance(restore_draft(page.project.pk, number), RulesetVersion):
        _not_found()
    messages.success(page.request, f"The draft is again what it was before version {number} was published.")
    return _back(page)


def _not_found() -> NoReturn:
    raise Http404


def _form(page: Page) -> dict[str, Any]:
    form = PublishForm(page.request.POST)
    if form.is_valid():
        return form.cleaned_data
    # Only hand-made requests come here: the page offers nothing else. The careful choice is “from now on”.
    return {"applies": "now", "note": page.request.POST.get("note", "")[:200]}


def _told(version: RulesetVersion) -> str:
    if version.applies_from is not None:
        return (
            f"Version {version.number} is in force for what happens from now on. What happened before keeps its points."
        )
    return f"Version {version.number} is in force. Existing leads are being rescored; no automation fires for it."


def _told_back(outcome: RolledBack, number: int) -> str:
    told = f"{_told(outcome.version)} It says what version {number} said; nothing is lost: every version stays."
    if outcome.draft_put_aside:
        return (
            f"{told} Your unpublished draft was put aside; bring it back from version {outcome.version.number} below."
        )
    if outcome.draft_left_alone:
        return f"{told} The draft has mistakes and was left as it was."
    return told


def _back(page: Page, anchor: str = "") -> HttpResponse:
    return redirect(reverse("rules", args=[page.project.pk]) + anchor)
