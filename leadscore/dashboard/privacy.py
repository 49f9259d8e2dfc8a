"""The pages about privacy: a person's data to hand over, erasing people, and names of which nothing is stored."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from automation.api.views import export_of
from ingest import selectors as ingest
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.models import MAX_IDLE_DAYS, Erasure, Identifier, Lead
from ingest.pages import CursorInvalid
from ingest.services import retention, suppressions
from ingest.services.erasures import erase
from leadscore.dashboard.access import Page, project_page

ROWS = 30
ERASURES_SHOWN = 20


class NameForm(forms.Form):
    """A name of somebody, typed in, and what to do with it."""

    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in reversed(Identifier.Kind)])
    value = forms.CharField(max_length=MAX_LENGTH, label="Address or id")
    reason = forms.CharField(max_length=200, required=False)
    do = forms.ChoiceField(choices=[("check", "check"), ("suppress", "suppress"), ("lift", "lift")])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        value = data.get("value", "")
        if data.get("kind") == Identifier.Kind.EMAIL and value:
            if not is_email(value):
                raise forms.ValidationError({"value": "This is not an e-mail address."})
            data["value"] = normal_email(value)
        if data.get("kind") == Identifier.Kind.EXTERNAL_ID and value and not all(value.partition(":")):
            raise forms.ValidationError({"value": "Write the system and its id, such as crm:42."})
        return data

    @property
    def name(self) -> Name:
        return Name(self.cleaned_data["kind"], self.cleaned_data["value"])


class IdleForm(forms.Form):
    """After how many idle days people would be erased."""

    days = forms.IntegerField(min_value=1, max_value=MAX_IDLE_DAYS)


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def privacy(page: Page) -> HttpResponse:
    """Show whom nothing is stored of, check, add and lift names, and count who has been idle.

    What is typed is posted, also to check it: addresses of pages are kept in too many places.
    """
    if page.request.method != "POST":
        return _privacy_page(page, NameForm())
    form = NameForm(page.request.POST)
    if not form.is_valid():
        return _privacy_page(page, form, status=422)
    match form.cleaned_data["do"]:
        case "suppress":
            return _suppress(page, form)
        case "lift":
            return _lift(page, form)
        case _:
            return _privacy_page(page, form, checked=True)


def _suppress(page: Page, form: NameForm) -> HttpResponse:
    found = suppressions.suppress(
        page.project.pk, form.name, reason=form.cleaned_data["reason"], by=str(page.user), now=timezone.now()
    )
    if found is not None:
        return _privacy_page(page, form, status=409, lead=ingest.lead_of(page.project.pk, found.lead_id))
    messages.success(page.request, "Suppressed: nothing that carries it is stored from now on.")
    return redirect("privacy", page.project.pk)


def _lift(page: Page, form: NameForm) -> HttpResponse:
    if suppressions.lift(page.project.pk, form.name):
        messages.success(page.request, "Lifted: what carries it is stored again from now on.")
    else:
        messages.warning(page.request, "It is not suppressed, so there is nothing to lift.")
    return redirect("privacy", page.project.pk)


def _privacy_page(page: Page, form: NameForm, *, status: int = 200, **context: Any) -> HttpResponse:
    project_id = page.project.pk
    try:
        found = ingest.suppressions_page(project_id, cursor=page.request.GET.get("cursor"), limit=ROWS)
    except CursorInvalid:
        return redirect("privacy", project_id)
    idle = IdleForm(page.request.GET if "days" in page.request.GET else None)
    if context.get("checked"):
        context["suppression"] = suppressions.suppression_of(project_id, form.name)
    return page.render(
        "privacy",
        status=status,
        section="privacy",
        form=form,
        rows=found.rows,
        total=ingest.suppression_count(project_id),
        next_url=found.next and "?" + urlencode({"cursor": found.next}),
        previous_url=found.previous and "?" + urlencode({"cursor": found.previous}),
        erasures=ingest.newest_erasures(project_id, limit=ERASURES_SHOWN),
        idle=idle,
        idle_count=retention.count_idle(project_id, idle.cleaned_data["days"], now=timezone.now())
        if idle.is_valid()
        else None,
        **context,
    )


@require_safe
@project_page
def lead_export(page: Page, lead_id: UUID) -> HttpResponseBase:
    """Download everything that is known of a person."""
    return export_of(_lead(page, lead_id))


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def lead_erase(page: Page, lead_id: UUID) -> HttpResponse:
    """Say what erasing a person means, and do it once that is confirmed."""
    lead = _lead(page, lead_id)
    if page.request.method != "POST":
        return page.render(
            "lead_erase", section="leads", lead=lead, identifiers=ingest.identifiers_of(lead.pk), merged=_merged(lead)
        )
    erased = erase(page.project.pk, lead.pk, cause=Erasure.Cause.REQUEST, by=str(page.user), now=timezone.now())
    if erased is None:
        raise Http404
    messages.success(page.request, f"Erased for good. {erased.events:,} of their events stay as mere counts.")
    return redirect("lead_list", page.project.pk)


def _merged(lead: Lead) -> int:
    return len(ingest.members_of(lead.pk)) - 1


def _lead(page: Page, lead_id: UUID) -> Lead:
    lead = ingest.lead_of(page.project.pk, lead_id)
    if lead is None:
        raise Http404
    return lead
