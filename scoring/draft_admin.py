"""The admin of a draft's rules and tests. Saving changes no score; what keeps a draft from being published is told."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Field, ForeignKey
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from ingest.admin import ProjectScopedAdmin, visible_projects
from ingest.models import Project
from scoring.core.points import in_words
from scoring.core.rule_words import events_in_words, rule_in_words
from scoring.core.ruleset import RulesetInvalid
from scoring.core.simulate import results_of_tests
from scoring.forms.drafts import RuleForm, RulesetTestForm, suggesting
from scoring.models import Rule, RuleGroup, RulesetTest, Scorecard
from scoring.services.draft import draft_of, next_position, tree_of_rule
from scoring.services.publication import problems_of
from scoring.suggestions import Suggestions, suggestions_for


class DraftAdmin(ProjectScopedAdmin):
    """What every part of a draft has in common: it says what keeps the draft from being published."""

    change_form_template = "admin/scoring/draft_form.html"

    class Media:
        css = {"all": ["scoring/forms.css"]}
        js = ["scoring/rows.js"]

    def project_of(self, obj: Any) -> Project:
        """Return the project of a row."""
        project: Project = obj.project
        return project

    def extra_of(self, obj: Any) -> dict[str, Any]:
        """Return what the page of a row shows beside its form."""
        return {}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            project = self.project_of(obj)
            context |= {"draft_project": project, "draft_problems": problems_of(project.pk)} | self.extra_of(obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        self._say_draft(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        self._say_draft(request, obj)
        return super().response_change(request, obj)

    def _say_draft(self, request: HttpRequest, obj: Any) -> None:
        project = self.project_of(obj)
        url = reverse("admin:scoring_publish", args=[project.pk])
        if problems := problems_of(project.pk):
            said = format_html('The draft cannot be published yet: {} <a href="{}">See all</a>.', problems[0], url)
        else:
            said = format_html(
                'This is a draft and changes no score yet. <a href="{}">Compare and publish it</a>.', url
            )
        messages.warning(request, said)


def _suggestions(request: HttpRequest, project: Project | None) -> Suggestions:
    projects = [project.pk] if project else list(visible_projects(request).values_list("pk", flat=True)[:20])
    return suggestions_for(projects)


@admin.register(Rule)
class RuleAdmin(DraftAdmin):
    """Rules on their own, to be searched and edited one by one."""

    project_lookup = "scorecard__project"
    form = RuleForm
    list_display = ["name", "counts", "points", "scorecard", "of_project", "active"]
    list_filter = ["active", ("scorecard", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["scorecard__project", "group"]
    search_fields = ["name", "event_types", "group__name"]
    ordering = ["scorecard__project", "scorecard__position", "position"]
    fieldsets = [
        (None, {"fields": ["scorecard", "name", "active"]}),
        ("What counts", {"fields": ["event_types", "when"]}),
        ("What it is worth", {"fields": ["points", "group"]}),
        (
            "How often it counts",
            {
                "fields": [("cap_times", "cap_per", "cap_distinct")],
                "description": "Leave the number empty and the rule counts every time. With “and different "
                "properties.path”, each path is counted by itself.",
            },
        ),
        ("How long it counts", {"fields": ["expires_after_days", "valid_from", "valid_to"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return [(None, {"fields": ["scorecard", "name", "active", "counts", "points"]})]
        return self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> list[str]:
        return ["counts"]

    def project_of(self, obj: Rule) -> Project:
        return obj.scorecard.project

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        cards = list(Scorecard.objects.filter(project__in=visible_projects(request))[:2])
        return {"scorecard": cards[0].pk} | initial if len(cards) == 1 else initial

    def get_form(self, request: HttpRequest, obj: Rule | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change, **kwargs)
        return suggesting(form, _suggestions(request, self.project_of(obj) if obj else None))

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "scorecard":
            kwargs["queryset"] = Scorecard.objects.filter(project__in=visible_projects(request)).select_related(
                "project"
            )
            kwargs["form_class"] = _ScorecardChoice
        if db_field.name == "group":
            groups = RuleGroup.objects.filter(scorecard__project__in=visible_projects(request))
            kwargs["queryset"] = groups.select_related("scorecard")
            kwargs["form_class"] = _GroupChoice
            kwargs["empty_label"] = "no group"
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in {"scorecard", "group"} and field is not None:
            field.widget = field.widget.widget  # the draft's parts are added on their own pages
        return field

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:  # noqa: FBT001
        if not change:
            obj.position = next_position(obj.scorecard.rules.all())
        super().save_model(request, obj, form, change)

    @admin.display(description="counts")
    def counts(self, rule: Rule) -> str:
        return rule_in_words(tree_of_rule(rule))

    @admin.display(description="project", ordering="scorecard__project")
    def of_project(self, rule: Rule) -> str:
        return rule.scorecard.project.name


class _ScorecardChoice(forms.ModelChoiceField[Scorecard]):
    def label_from_instance(self, obj: Scorecard) -> str:
        return f"{obj.name} ({obj.project.name})"


class _GroupChoice(forms.ModelChoiceField[RuleGroup]):
    def label_from_instance(self, obj: RuleGroup) -> str:
        return f"{obj.name} ({obj.scorecard.name}, at most {in_words(obj.maximum)})"


@admin.register(RulesetTest)
class RulesetTestAdmin(DraftAdmin):
    """Examples that must come out as expected, and whether they do."""

    form = RulesetTestForm
    change_list_template = "admin/scoring/test_list.html"
    list_display = ["name", "project", "happens", "expected"]
    list_filter = ["project"]
    list_select_related = ["project"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["project", "name"]}),
        ("What happens", {"fields": ["events", "traits"]}),
        ("What should come of it", {"fields": [("score", "stage"), "also_expected", "as_of"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: RulesetTest | None = None) -> list[str]:
        in_words = ["happens", "expected", "also_expected"]
        return ["project", *in_words] if obj else in_words

    def get_fieldsets(self, request: HttpRequest, obj: RulesetTest | None = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return [(None, {"fields": ["project", "name", "happens", "expected", "also_expected"]})]
        if obj is not None and obj.elsewhere:
            return self.fieldsets
        fields = ["also_expected"]
        return [
            (name, {"fields": [item for item in options["fields"] if item not in fields]})
            for name, options in self.fieldsets
        ]

    def get_form(
        self,
        request: HttpRequest,
        obj: RulesetTest | None = None,
        change: bool = False,  # noqa: FBT001, FBT002
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return suggesting(form, _suggestions(request, obj.project if obj else None))

    def get_urls(self) -> list[URLPattern]:
        run = path("run/<uuid:project_id>/", self.admin_site.admin_view(self.run), name="scoring_run_tests")
        return [run, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        tested = visible_projects(request).filter(ruleset_tests__isnull=False).distinct()[:50]
        return super().changelist_view(request, {"tested_projects": tested} | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: RulesetTest, form: Any, change: bool) -> None:  # noqa: FBT001
        if not change:
            obj.position = next_position(obj.project.ruleset_tests.all())
        super().save_model(request, obj, form, change)

    def run(self, request: HttpRequest, project_id: UUID) -> HttpResponse:
        """Show which tests of a project's draft pass, and in words what is not as expected."""
        project = visible_projects(request).filter(pk=project_id).first()
        if project is None or not self.has_view_permission(request):
            raise Http404
        tests = list(project.ruleset_tests.order_by("position", "name"))
        problems: Any = ()
        results: list[tuple[RulesetTest, list[str]]] = []
        try:
            results = list(zip(tests, results_of_tests(draft_of(project.pk), time_zone=project.time_zone), strict=True))
        except RulesetInvalid:
            problems = problems_of(project.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Tests of the rules of {project}",
            "project": project,
            "results": results,
            "failed": sum(bool(failures) for _, failures in results),
            "problems": problems,
            "opts": self.model._meta,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/scoring/test_results.html", context)

    @admin.display(description="what happens")
    def happens(self, test: RulesetTest) -> str:
        types = [str(event.get("eventType", "?")) for event in test.events]
        return (
            ", then ".join(events_in_words(name) for name in types[:5]) + (" …" if len(types) > 5 else "") or "nothing"
        )

    @admin.display(description="expected")
    def expected(self, test: RulesetTest) -> str:
        return _expected(test.score, test.stage)

    @admin.display(description="and on other scorecards")
    def also_expected(self, test: RulesetTest) -> str:
        return "; ".join(
            f"{name}: {_expected(wanted.get('score'), wanted.get('stage'))}" for name, wanted in test.elsewhere.items()
        )


def _expected(score: Any, stage: str | None) -> str:
    told = [f"score {in_words(Decimal(str(score)))}" if score is not None else "", f"stage {stage}" if stage else ""]
    return ", ".join(filter(None, told)) or "anything"
