"""The admin of rules: the draft people edit, publishing it, and what was published; scores and dead letters."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from ingest.admin import ReadOnlyAdmin, visible_projects
from ingest.core.adjustments import MAX_REASON, Adjustment, Author, valid_points
from ingest.models import Lead, Project, User
from ingest.services.events import Recorded
from scoring.core.rule_words import rule_in_words
from scoring.draft_admin import DraftAdmin
from scoring.forms.drafts import GroupFormSet, RowForm, ScorecardForm, StageFormSet
from scoring.models import DeadLetter, LeadScore, RuleGroup, RulesetVersion, Scorecard, ScoreEntry, Stage
from scoring.selectors import scorecard_names
from scoring.services import dead_letters
from scoring.services.adjustments import adjust
from scoring.services.draft import order_stages, store_rows, tree_of_rule
from scoring.services.publication import difference, publish_draft
from scoring.services.rulesets import NothingChanged, Outcome, Published, TestsFailed


class StageInline(admin.TabularInline[Stage, Scorecard]):
    model = Stage
    form = RowForm
    formset = StageFormSet
    extra = 0
    min_num = 1


class RuleGroupInline(admin.TabularInline[RuleGroup, Scorecard]):
    model = RuleGroup
    form = RowForm
    formset = GroupFormSet
    extra = 0
    verbose_name = "group of rules"
    verbose_name_plural = "groups of rules, which together give at most so many points"


@admin.register(Scorecard)
class ScorecardAdmin(DraftAdmin):
    """The draft. Saving it changes no score; publishing does."""

    form = ScorecardForm
    change_form_template = "admin/scoring/scorecard_form.html"
    list_display = ["name", "project", "position", "basis", "floor", "cap", "publish_link"]
    list_filter = ["project"]
    list_select_related = ["project"]
    inlines = [StageInline, RuleGroupInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Scorecard | None = None) -> list[str]:
        return ["project"] if obj else []

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001
        kept = [row.instance for row in formset.initial_forms if row not in formset.deleted_forms]
        store_rows(kept, formset.save)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        order_stages(form.instance)

    def extra_of(self, obj: Scorecard) -> dict[str, Any]:
        rules = obj.rules.select_related("group")
        return {"rules": [(rule, rule_in_words(tree_of_rule(rule))) for rule in rules]}

    @admin.display(description="Draft")
    def publish_link(self, card: Scorecard) -> str:
        url = reverse("rules", args=[card.project_id])
        return format_html('<a href="{}">Compare and publish</a>', url)

    def get_urls(self) -> list[URLPattern]:
        own = path("publish/<uuid:project_id>/", self.admin_site.admin_view(self.publish), name="scoring_publish")
        return [own, *super().get_urls()]

    def publish(self, request: HttpRequest, project_id: Any) -> HttpResponse:
        """Show what publishing the draft would change in the rules, and publish it."""
        project = visible_projects(request).filter(pk=project_id).first()
        if project is None:
            raise Http404
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = PublishForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            now = timezone.now()
            outcome = publish_draft(
                project.pk,
                by=request.user if isinstance(request.user, User) else None,
                note=form.cleaned_data["note"],
                applies_from=now if form.cleaned_data["applies"] == "now" else None,
                now=now,
            )
            if self._say_outcome(request, outcome):
                return redirect("admin:scoring_rulesetversion_changelist")
        return TemplateResponse(request, "admin/scoring/publish.html", self._context(request, project, form))

    def _say_outcome(self, request: HttpRequest, outcome: Outcome) -> bool:
        if isinstance(outcome, Published):
            messages.success(request, f"Version {outcome.version.number} is published.")
            return True
        if isinstance(outcome, TestsFailed):
            messages.error(request, f"Nothing is published: {len(outcome.failures)} expectations of tests fail.")
        if isinstance(outcome, NothingChanged):
            messages.info(request, f"The draft is the same as version {outcome.version.number}.")
        return False

    def _context(self, request: HttpRequest, project: Project, form: "PublishForm") -> dict[str, Any]:
        found = difference(project.pk)
        return {
            **self.admin_site.each_context(request),
            "title": f"Publish the rules of {project}",
            "project": project,
            "form": form,
            "difference": found,
            "opts": self.model._meta,
        }


class PublishForm(forms.Form):
    """How a draft is put in force."""

    applies = forms.ChoiceField(
        label="The new rules score",
        choices=[
            ("always", "all events ever: existing leads are rescored in the background, without firing automations"),
            ("now", "events from now on: what happened before keeps its points"),
        ],
        initial="always",
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"size": 80}), help_text="Why, for the record."
    )


@admin.register(RulesetVersion)
class RulesetVersionAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "project", "applies", "published_at", "published_by", "note"]
    list_filter = ["project"]
    list_select_related = ["project", "published_by"]

    @admin.display(description="Applies from")
    def applies(self, version: RulesetVersion) -> str:
        return "always" if version.applies_from is None else f"{version.applies_from:%Y-%m-%d %H:%M} UTC"


@admin.register(LeadScore)
class LeadScoreAdmin(ReadOnlyAdmin):
    list_display = ["lead", "scorecard", "score", "stage", "project", "adjust_link"]
    list_filter = ["project", "stage"]
    list_select_related = ["lead", "project"]
    ordering = ["-score"]
    show_full_result_count = False

    @admin.display(description="By hand")
    def adjust_link(self, score: LeadScore) -> str:
        return format_html('<a href="{}">Adjust</a>', reverse("admin:scoring_adjust", args=[score.lead_id]))

    def get_urls(self) -> list[URLPattern]:
        own = path("adjust/<uuid:lead_id>/", self.admin_site.admin_view(self.adjust), name="scoring_adjust")
        return [own, *super().get_urls()]

    def adjust(self, request: HttpRequest, lead_id: Any) -> HttpResponse:
        """Give or take points of a lead, with a reason."""
        lead = Lead.objects.filter(project__in=visible_projects(request), pk=lead_id, merged_into=None).first()
        if lead is None:
            raise Http404
        if not request.user.has_perm("ingest.change_lead") or not isinstance(request.user, User):
            raise PermissionDenied
        form = AdjustForm(request.POST or None, scorecards=scorecard_names(lead.project_id))
        if request.method == "POST" and form.is_valid():
            author = Author(id=str(request.user.pk), name=str(request.user))
            outcome = adjust(lead, form.adjustment, author=author, now=timezone.now())
            if isinstance(outcome, Recorded):
                messages.success(request, f"{lead} is adjusted; the score shows it within moments.")
                return redirect("admin:ingest_lead_change", lead.pk)
            messages.error(request, "Nothing was adjusted: the rules or the lead have changed meanwhile. Try again.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Adjust the score of {lead}",
            "lead": lead,
            "form": form,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/scoring/adjust.html", context)


class AdjustForm(forms.Form):
    """Points to give or take by hand, and why."""

    points = forms.DecimalField(
        decimal_places=2, help_text="Negative points lower the score. Floor and cap of the scorecard hold."
    )
    scorecard = forms.ChoiceField()
    reason = forms.CharField(
        max_length=MAX_REASON,
        widget=forms.TextInput(attrs={"size": 80}),
        help_text="Shown with your name in the lead's history.",
    )

    def __init__(self, data: Any, *, scorecards: Sequence[str]) -> None:
        super().__init__(data)
        self.fields["scorecard"].choices = [(name, name) for name in scorecards]  # type: ignore[attr-defined]

    def clean_points(self) -> Decimal:
        try:
            return valid_points(self.cleaned_data["points"])
        except ValueError as error:
            raise forms.ValidationError(f"This {error}.") from None

    @property
    def adjustment(self) -> Adjustment:
        """Return what a valid form asks for."""
        return Adjustment(**self.cleaned_data)


@admin.register(ScoreEntry)
class ScoreEntryAdmin(ReadOnlyAdmin):
    list_display = [
        "lead",
        "scorecard",
        "occurred_at",
        "event_type",
        "delta",
        "new_score",
        "new_stage",
        "ruleset_version",
    ]
    list_filter = ["project", "kind"]
    list_select_related = ["lead"]
    ordering = ["-id"]
    show_full_result_count = False


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Events that could not be scored, with what to do about them."""

    list_display = ["event", "lead", "project", "error", "parked_at", "discarded"]
    list_filter = ["project", "discarded"]
    list_select_related = ["event", "lead", "project"]
    actions = ["retry", "discard"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in DeadLetter._meta.fields]

    @admin.action(description="Score the chosen events again", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        count = dead_letters.retry(list(queryset.values_list("pk", flat=True)), now=timezone.now())
        messages.success(request, f"{count} events are being scored again.")

    @admin.action(description="Never count the chosen events", permissions=["change"])
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        count = dead_letters.discard(list(queryset.values_list("pk", flat=True)))
        messages.success(request, f"{count} events will never count. They stay in the log.")
