"""The page about events that do not count: leave a range out, or let it in again, after a look at what it touches."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods, require_POST

from ingest import selectors
from ingest.core.adjustments import Author
from ingest.core.events import Refused
from ingest.core.rulings import MAX_AGENT, MAX_REASON, Range, Selection, Wish, check_range, load_selection
from ingest.models import Event, Ruling, User
from ingest.services import rulings
from leadscore.dashboard.access import Page, project_page

RULINGS_SHOWN = 20
SECONDS = 1.0  # that a request takes part in the work; the rest is done in the background
_LOCAL = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S")


class RangeForm(forms.Form):
    """Which events, what about them, and why."""

    verb = forms.ChoiceField(choices=Ruling.Verb.choices, initial=Ruling.Verb.EXCLUDE)
    lead_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    event_type = forms.CharField(max_length=64, required=False)
    begin = forms.DateTimeField(required=False, widget=_LOCAL)
    end = forms.DateTimeField(required=False, widget=_LOCAL)
    user_agent = forms.CharField(max_length=MAX_AGENT, required=False)
    reason = forms.CharField(max_length=MAX_REASON, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_range(self.within)
            except Refused as refused:
                told = "The end must be later than the beginning." if self.within.end else "Say which events you mean."
                raise forms.ValidationError(told) from refused
        return cleaned

    @property
    def within(self) -> Range:
        said = self.cleaned_data
        lead_id = said.get("lead_id")
        return Range(
            lead_id=str(lead_id) if lead_id else None,
            event_type=said.get("event_type") or None,
            begin=said.get("begin"),
            end=said.get("end"),
            user_agent=said.get("user_agent") or None,
        )

    @classmethod
    def saying(cls, ruling: Ruling) -> "RangeForm":
        """Return the form that a ruling about a range came from."""
        within = load_selection(ruling.selection).within
        said = {name: getattr(within, name) for name in ("lead_id", "event_type", "begin", "end", "user_agent")}
        return cls(initial={**said, "verb": ruling.verb, "reason": ruling.reason})


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingView:
    """A ruling in words, and how far it has come."""

    id: UUID
    excludes: bool
    trial: bool
    status: str
    what: tuple[tuple[str, str], ...]
    reason: str
    by: str
    events: int
    leads: int
    leads_done: int
    leads_total: int
    error: str
    created_at: datetime

    @property
    def percent(self) -> int:
        return min(100, 100 * self.leads_done // self.leads_total) if self.leads_total else 100

    @property
    def running(self) -> bool:
        return self.status == Ruling.Status.RUNNING


def may_exclude(user: User) -> bool:
    """Return whether a person may say which events count: whoever may change leads."""
    return user.has_perm("ingest.change_lead")


def _require(page: Page) -> None:
    if not may_exclude(page.user):
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def exclusions(page: Page) -> HttpResponse:
    """Show what was left out and let in, and take a range to look at."""
    if page.request.method == "POST":
        _require(page)
        form = RangeForm(page.request.POST)
        if not form.is_valid():
            return page.render("exclusions", status=422, **_context(page, form))
        wish = Wish(selection=Selection(within=form.within), reason=form.cleaned_data["reason"], trial=True)
        return _to(page, _start(page, Ruling.Verb(form.cleaned_data["verb"]), wish))
    return page.live("_exclusions", "exclusions", **_context(page))


@require_POST
@project_page
def exclusions_apply(page: Page, ruling_id: UUID) -> HttpResponse:
    """Do what a ruling only counted."""
    _require(page)
    counted = selectors.ruling_of(page.project.pk, ruling_id)
    if counted is None or not counted.trial:
        raise Http404
    wish = Wish(selection=load_selection(counted.selection), reason=counted.reason, trial=False)
    return _to(page, _start(page, Ruling.Verb(counted.verb), wish))


@require_POST
@project_page
def event_counts(page: Page, lead_id: UUID, event_key: UUID) -> HttpResponse:
    """Leave one event of a lead out, or let it count after all."""
    _require(page)
    lead = selectors.lead_of(page.project.pk, lead_id)
    event = Event.objects.filter(project=page.project.pk, pk=event_key).first()
    verb = page.request.POST.get("verb")
    if lead is None or event is None or verb not in Ruling.Verb.values:
        raise Http404
    wish = Wish(selection=Selection(event_ids=(event.event_id,)), reason="", trial=False)
    ruling = _start(page, Ruling.Verb(verb), wish)
    if ruling.events:
        told = "does not count any longer" if verb == Ruling.Verb.EXCLUDE else "counts"
        messages.success(page.request, f"The {event.event_type} {told}. The score has followed; no automation fires.")
    return redirect("lead_page", page.project.pk, lead.pk)


def _start(page: Page, verb: Ruling.Verb, wish: Wish) -> Ruling:
    author = Author(id=str(page.user.pk), name=str(page.user))
    try:
        return rulings.start(page.project.pk, verb, wish, author=author, now=timezone.now(), seconds=SECONDS)
    except Refused as refused:
        raise Http404 from refused


def _to(page: Page, ruling: Ruling) -> HttpResponse:
    return redirect(f"{reverse('exclusions', args=[page.project.pk])}?ruling={ruling.pk}")


def _context(page: Page, form: RangeForm | None = None) -> dict[str, Any]:
    chosen = selectors.ruling_of(page.project.pk, page.request.GET.get("ruling", ""))
    if form is None and chosen is not None and chosen.trial:
        form = RangeForm.saying(chosen)
    lead_id = page.request.GET.get("lead")
    lead = selectors.lead_of(page.project.pk, lead_id) if lead_id else None
    said = selectors.rulings_page(page.project.pk, limit=RULINGS_SHOWN).rows
    return {
        "section": "exclusions",
        "form": form or RangeForm(initial={"lead_id": lead and lead.pk}),
        "only_lead": lead,
        "chosen": chosen and _view(chosen),
        "said": [_view(ruling) for ruling in said if not ruling.trial],
        "may_exclude": may_exclude(page.user),
    }


def _view(ruling: Ruling) -> RulingView:
    return RulingView(
        id=ruling.pk,
        excludes=ruling.verb == Ruling.Verb.EXCLUDE,
        trial=ruling.trial,
        status=ruling.status,
        what=tuple(_words(load_selection(ruling.selection))),
        reason=ruling.reason,
        by=ruling.author_name,
        events=ruling.events,
        leads=ruling.leads,
        leads_done=ruling.leads_done,
        leads_total=ruling.leads_total,
        error=ruling.error,
        created_at=ruling.created_at,
    )


def _words(selection: Selection) -> list[tuple[str, str]]:
    if selection.event_ids:
        first, *others = selection.event_ids
        return [("event", f"{first} and {len(others)} more" if others else first)]
    within = selection.within
    words = [
        ("event type", within.event_type),
        ("from", within.begin and _moment(within.begin)),
        ("before", within.end and _moment(within.end)),
        ("user agent with", within.user_agent),
        ("of lead", within.lead_id),
    ]
    return [(name, value) for name, value in words if value]


def _moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i:s")
