"""Where members edit their projects' automations, see what these did, and replay what failed."""

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest

from automation.core.reasons import when_it_fires, why_it_fired
from automation.forms import ActionForm, AutomationForm, SuggestingTextInput, stages_of
from automation.models import Action, Automation, Delivery, Run
from automation.services.deliveries import replay
from automation.services.runs import trigger_of
from ingest.admin import ProjectScopedAdmin, ReadOnlyAdmin, visible_projects


class ActionInline(admin.StackedInline[Action, Automation]):
    """The actions of an automation. Who may only look does not see what would let them act in its name."""

    model = Action
    form = ActionForm
    extra = 0
    readonly_fields = ["disabled_because", "hidden_url", "hidden_secret"]

    def get_fields(self, request: HttpRequest, obj: Automation | None = None) -> list[Any]:
        shown = ["url", "secret"]
        if not self.has_change_permission(request, obj):
            shown = ["hidden_url", "hidden_secret"]
        return ["kind", "position", "active", "disabled_because", "recipients", "subject", "message", *shown]

    @admin.display(description="URL")
    def hidden_url(self, action: Action) -> str:
        """Return where an action posts, without the part that may be a password."""
        return f"{urlsplit(action.url).hostname}/…" if action.url else ""

    @admin.display(description="secret")
    def hidden_secret(self, action: Action) -> str:
        """Return that there is a secret, and nothing of it."""
        return "whsec_…" if action.secret else ""


@admin.register(Automation)
class AutomationAdmin(ProjectScopedAdmin):
    form = AutomationForm
    inlines = [ActionInline]
    list_display = ["name", "project", "when", "what", "active"]
    list_filter = ["project", "active", "trigger"]
    list_select_related = ["project"]
    search_fields = ["name"]
    fields = ["project", "name", "active", "trigger", "from_stage", "to_stage", "direction", "event_type"]

    class Media:
        js = ["automation/relevant_fields.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Automation]:
        return super().get_queryset(request).prefetch_related("actions")

    def get_readonly_fields(self, request: HttpRequest, obj: Automation | None = None) -> list[str]:
        return ["project"] if obj else []

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in ("from_stage", "to_stage"):
            kwargs["widget"] = SuggestingTextInput(stages_of(visible_projects(request).values_list("pk", flat=True)))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="when")
    def when(self, automation: Automation) -> str:
        return when_it_fires(trigger_of(automation))

    @admin.display(description="what")
    def what(self, automation: Automation) -> str:
        return ", ".join(f"{action}{'' if action.active else ' (switched off)'}" for action in automation.actions.all())


class DeliveryInline(admin.TabularInline[Delivery, Run]):
    model = Delivery
    fields = ["kind", "status", "attempts", "due_at", "delivered_at", "detail"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    inlines = [DeliveryInline]
    list_display = ["occurred_at", "automation", "lead", "why", "came_of_it"]
    list_filter = [
        "project",
        ("automation", admin.RelatedOnlyFieldListFilter),
        "deliveries__status",
    ]
    list_select_related = ["automation", "lead"]
    fields = ["automation", "lead", "why", "occurred_at", "created_at", "cause"]
    readonly_fields = ["why"]
    ordering = ["-id"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).prefetch_related("deliveries")

    @admin.display(description="why")
    def why(self, run: Run) -> str:
        return why_it_fired(run.crossing, run.facts)

    @admin.display(description="what came of it")
    def came_of_it(self, run: Run) -> str:
        counts = Counter(delivery.get_status_display().lower() for delivery in run.deliveries.all())
        return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing to deliver"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    project_lookup = "run__project"
    actions = ["replay_failed"]
    list_display = ["of_run", "kind", "status", "attempts", "due_at", "detail"]
    list_filter = [
        "status",
        "kind",
        ("run__project", admin.RelatedOnlyFieldListFilter),
        ("run__automation", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["run__automation", "run__lead"]
    fields = ["of_run", "kind", "status", "attempts", "due_at", "delivered_at", "detail"]
    readonly_fields = ["of_run"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="run")
    def of_run(self, delivery: Delivery) -> str:
        return f"{delivery.run.automation} for {delivery.run.lead}"

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may make deliveries go out again."""
        return request.user.has_perm("automation.change_delivery")

    @admin.action(description="Replay failed deliveries", permissions=["replay"])
    def replay_failed(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        replayed = replay(chosen)
        said = f"{replayed} of {len(chosen)} deliveries go out again."
        if replayed < len(chosen):
            said += " Only failed ones can be replayed."
        self.message_user(request, said, messages.SUCCESS if replayed else messages.WARNING)
