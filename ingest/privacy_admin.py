"""The admin of suppressed names and of the notes of who was erased. Names are typed in, never shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from ingest.admin import ProjectScopedAdmin, ReadOnlyAdmin
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.models import Erasure, Identifier, Suppression
from ingest.services.suppressions import suppress, suppression_of


class SuppressionForm(forms.ModelForm[Suppression]):
    """A name to be suppressed, typed in."""

    value = forms.CharField(
        max_length=MAX_LENGTH, label="Address or id", help_text="Of an external id, the system too: crm:42."
    )

    class Meta:
        model = Suppression
        fields = ["project", "kind", "value", "reason"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        project, kind, value = data.get("project"), data.get("kind"), data.get("value", "")
        if kind == Identifier.Kind.EMAIL and value:
            if not is_email(value):
                raise forms.ValidationError({"value": "This is not an e-mail address."})
            value = data["value"] = normal_email(value)
        if project is None or not kind or not value:
            return data
        if Identifier.objects.filter(project=project, kind=kind, value=value).exists():
            raise forms.ValidationError({"value": "A lead answers to this. Erase it: that suppresses all its names."})
        if suppression_of(project.pk, Name(kind, value)):
            raise forms.ValidationError({"value": "This is suppressed already."})
        return data


@admin.register(Suppression)
class SuppressionAdmin(ProjectScopedAdmin):
    """Suppressed names. One is lifted by typing it on the project's privacy page, where it can be checked, too."""

    form = SuppressionForm
    list_display = ["kind", "project", "reason", "by", "created_at", "lift_link"]
    list_filter = ["project", "kind"]
    list_select_related = ["project"]
    ordering = ["-id"]
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["project", "kind", "reason", "by", "created_at"] if obj else ["project", "kind", "value", "reason"]

    @admin.display(description="Check or lift")
    def lift_link(self, suppression: Suppression) -> str:
        return format_html('<a href="{}">Privacy page</a>', reverse("privacy", args=[suppression.project_id]))

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:  # noqa: FBT001
        name = Name(obj.kind, form.cleaned_data["value"])
        taken = suppress(obj.project_id, name, reason=obj.reason, by=str(request.user), now=timezone.now())
        stored = suppression_of(obj.project_id, name)
        if taken is not None or stored is None:
            messages.error(request, "Not suppressed: a lead got this name at the same moment. Erase the lead instead.")
            return
        obj.pk, obj.created_at, obj.by = stored.pk, stored.created_at, stored.by


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """Who was erased when and by whom, without saying who they were."""

    list_display = ["erased_at", "project", "cause", "by", "leads", "names", "events"]
    list_filter = ["project", "cause"]
    list_select_related = ["project"]
    ordering = ["-id"]
    show_full_result_count = False
