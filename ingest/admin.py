"""The admin of projects, people, keys, leads and the event log."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from ingest.bot_admin import BotFilterInline
from ingest.core.events import Refused
from ingest.core.identity import Name, is_email, normal_email
from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Erasure, Event, Identifier, Lead, Membership, Merge, Project, RefusedName, User
from ingest.selectors import projects_of
from ingest.services.erasures import erase
from ingest.services.keys import issue_key
from ingest.services.leads import NameTaken, create_lead, update_lead
from ingest.services.projects import add_member
from ingest.services.suppressions import suppressed_among

MOST_ERASED_AT_ONCE = 100


def visible_projects(request: HttpRequest) -> QuerySet[Project]:
    """Return the projects that a person may see in the admin: their own, or all for a superuser."""
    if not isinstance(request.user, User):
        return Project.objects.none()
    return Project.objects.all() if request.user.is_superuser else projects_of(request.user)


def visible_people(request: HttpRequest) -> QuerySet[User]:
    """Return the people that a person may see in the admin: members of their own projects, or all for a superuser."""
    if isinstance(request.user, User) and request.user.is_superuser:
        return User.objects.all()
    return User.objects.filter(pk__in=Membership.objects.filter(project__in=visible_projects(request)).values("user"))


class VisibleChoices(admin.options.BaseModelAdmin[Any]):
    """Offers as choices, and takes, only what the person may see."""

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        if db_field.related_model is Project:
            kwargs["queryset"] = visible_projects(request)
        if db_field.related_model is User:
            kwargs["queryset"] = visible_people(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ProjectScopedAdmin(VisibleChoices, admin.ModelAdmin[Any]):
    """An admin that shows, and offers as choices, only what belongs to the person's projects."""

    project_lookup = "project"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(**{f"{self.project_lookup}__in": visible_projects(request)})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [
            (name, _VisibleProjectsFilter) if name == "project" else name for name in super().get_list_filter(request)
        ]


class _VisibleProjectsFilter(admin.RelatedOnlyFieldListFilter):
    """A filter on the project that names only those the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        return [(project.pk, project.name) for project in visible_projects(request)]


class ReadOnlyAdmin(ProjectScopedAdmin):
    """An admin for what follows from something else and is not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class EditedBySuperusers(admin.ModelAdmin[Any]):
    """An admin of what gives permissions: whoever may edit it could give themselves every project."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser) and super().has_delete_permission(request, obj)


@admin.register(User)
class UserAdmin(EditedBySuperusers, DjangoUserAdmin[User]):
    """People who log in."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return visible_people(request).order_by("username")


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(EditedBySuperusers, DjangoGroupAdmin):
    """Permissions that people share."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)


class MembershipInline(VisibleChoices, admin.TabularInline[Membership, Project]):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Project)
class ProjectAdmin(ProjectScopedAdmin):
    project_lookup = "pk"
    list_display = ["name", "time_zone", "created_at"]
    search_fields = ["name"]
    inlines = [MembershipInline, BotFilterInline]
    fieldsets = [
        (None, {"fields": ["name", "time_zone"]}),
        (
            "Who is who",
            {
                "fields": ["blocked_names", "max_names_per_lead"],
                "description": "What keeps leads of different people apart. A change holds for events from now on.",
            },
        ),
        ("Privacy", {"fields": ["keeps_ip_addresses", "erase_after_idle_days"]}),
    ]

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if not change and isinstance(request.user, User):
            _, write = issue_key(obj.pk, KeyKind.WRITE, name="First write key")
            _, secret = issue_key(obj.pk, KeyKind.SECRET, name="First secret key")
            messages.success(request, f"Write key, for web pages: {write.token}")
            messages.warning(request, f"Secret key, shown only this once: {secret.token}")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        if not change and isinstance(request.user, User):
            add_member(form.instance.pk, request.user)


class ApiKeyForm(forms.ModelForm[ApiKey]):
    """A key's settings; origins are typed one a line."""

    allowed_origins = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For write keys: the sites whose pages may send events, such as https://example.com, one a line. "
        "Empty: any.",
    )

    class Meta:
        model = ApiKey
        fields = ["project", "kind", "name", "events_per_minute", "allowed_origins", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["allowed_origins"] = "\n".join(self.instance.allowed_origins)

    def clean_allowed_origins(self) -> list[str]:
        origins = [
            line.strip().rstrip("/") for line in self.cleaned_data["allowed_origins"].splitlines() if line.strip()
        ]
        for origin in origins:
            scheme, separator, host = origin.partition("://")
            if scheme not in {"http", "https"} or not separator or not host or "/" in host:
                raise forms.ValidationError(f"“{origin}” is not an origin. Write it like https://example.com.")
        return origins


@admin.register(ApiKey)
class ApiKeyAdmin(ProjectScopedAdmin):
    form = ApiKeyForm
    list_display = ["hint", "kind", "name", "project", "events_per_minute", "active", "created_at"]
    list_filter = ["project", "kind", "active"]
    search_fields = ["name", "hint"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["project", "kind", "hint", "token", "created_at"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = ["project", "kind", "name", "events_per_minute", "allowed_origins", "active"]
        return [*fields, "hint", "token", "created_at"] if obj else fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"kind": KeyKind.WRITE.value, "events_per_minute": 100}

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            super().save_model(request, obj, form, change)
            return
        key, new = issue_key(obj.project_id, KeyKind(obj.kind), name=obj.name)
        obj.pk, obj.hint, obj.digest, obj.token, obj.created_at = (
            key.pk,
            key.hint,
            key.digest,
            key.token,
            key.created_at,
        )
        obj._state.adding = False
        obj.save()
        shown = "shown only this once" if new.kind is KeyKind.SECRET else "for web pages"
        messages.warning(request, f"The new key, {shown}: {new.token}")


class LeadForm(forms.ModelForm[Lead]):
    """What people enter about a lead. It becomes an event, like everything else that changes one."""

    class Meta:
        model = Lead
        fields = ["project", "name", "email", "company", "owner"]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email and not is_email(email):
            raise forms.ValidationError("This is not an e-mail address.")
        return normal_email(email)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        project = data.get("project") if self.instance._state.adding else self.instance.project
        owner = data.get("owner") if "owner" in self.changed_data else None
        if project and owner and not projects_of(owner).filter(pk=project.pk).exists():
            raise forms.ValidationError({"owner": f"{owner} is not a member of {project}."})
        email = data.get("email")
        if project and email:
            taken = Identifier.objects.filter(project=project, kind="email", value=email).exclude(lead=self.instance)
            if taken.exists():
                raise forms.ValidationError({"email": "Another lead of this project has this address."})
            if "email" in self.changed_data and suppressed_among(project.pk, [Name("email", email)]):
                raise forms.ValidationError({"email": "This address is suppressed: nothing may be stored of it."})
        return data


class IdentifierInline(admin.TabularInline[Identifier, Lead]):
    model = Identifier
    extra = 0
    fields = ["kind", "value", "created_at"]
    readonly_fields = ["kind", "value", "created_at"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class StandingFilter(admin.SimpleListFilter):
    """Leaves merged leads out unless they are asked for."""

    title = "merged"
    parameter_name = "merged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Merged into another lead"), ("all", "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Leads that stand for themselves"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(merged_into__isnull=self.value() != "yes")


def link_to(lead: Lead) -> str:
    """Return a link to a lead in the admin."""
    return format_html('<a href="{}">{}</a>', reverse("admin:ingest_lead_change", args=[lead.pk]), lead.label)


@admin.register(Lead)
class LeadAdmin(ProjectScopedAdmin):
    form = LeadForm
    change_list_template = "admin/ingest/lead/lead_list.html"
    list_display = ["label", "email", "company", "owner", "project", "created_at"]
    list_filter = ["project", StandingFilter]
    list_select_related = ["owner", "project"]
    search_fields = ["name", "email", "company", "identifiers__value"]
    readonly_fields = ["merged_with", "traits", "created_at"]
    inlines = [IdentifierInline]
    actions = ["erase_people"]
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["project", "merged_with", "traits", "created_at"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # What is known of a merged lead stands with the one that survived.
        merged = isinstance(obj, Lead) and obj.merged_into_id is not None
        return not merged and super().has_change_permission(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        projects = projects_of(request.user)[:10] if isinstance(request.user, User) else []
        return super().changelist_view(request, {**(extra_context or {}), "own_projects": projects})

    @admin.display(description="Merged into")
    def merged_with(self, lead: Lead) -> str:
        return link_to(lead.merged_into) if lead.merged_into else "Nobody: it stands for itself"

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[Any]:
        return [IdentifierInline] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.action(description="Erase the selected people for good", permissions=["change"])
    def erase_people(self, request: HttpRequest, chosen: QuerySet[Lead]) -> HttpResponse | None:
        """Say what erasing means, and do it once it is confirmed."""
        leads = list(chosen.select_related("project", "merged_into")[:MOST_ERASED_AT_ONCE])
        if "confirmed" in request.POST:
            by, now = str(request.user), timezone.now()
            done = [erase(lead.project_id, lead.pk, cause=Erasure.Cause.REQUEST, by=by, now=now) for lead in leads]
            erased = [erasure for erasure in done if erasure is not None]
            events = sum(erasure.events for erasure in erased)
            messages.success(request, f"Erased {len(erased)} people; {events} events stay as mere counts.")
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Erase people for good?",
            "leads": leads,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/ingest/erase.html", context)

    def save_model(self, request: HttpRequest, obj: Lead, form: Any, change: bool) -> None:  # noqa: FBT001
        try:
            self._save(obj, form, change=change)
        except Refused as refused:
            raise PermissionDenied(refused.detail) from None

    def _save(self, obj: Lead, form: Any, *, change: bool) -> None:
        entered = {name: getattr(obj, name) or None for name in ("name", "email", "company")}
        names = [Name("email", obj.email)] if obj.email else []
        if change:
            changed = {name: value for name, value in entered.items() if name in form.changed_data}
            if changed:
                update_lead(obj.project_id, obj.pk, names=names, traits=changed, now=timezone.now())
            if "owner" in form.changed_data:
                obj.save(update_fields=["owner"])
        else:
            outcome = create_lead(
                obj.project_id,
                names=names,
                traits={name: value for name, value in entered.items() if value},
                now=timezone.now(),
            )
            if isinstance(outcome, NameTaken):
                raise PermissionDenied("Another lead got this e-mail address at the same moment.")
            obj.pk = outcome.lead_id
            Lead.objects.filter(pk=obj.pk).update(owner=obj.owner)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["event_type", "lead_link", "project", "occurred_at", "received_at", "event_id"]
    list_filter = ["project"]
    list_select_related = ["lead", "project"]
    search_fields = ["=event_id", "=event_type"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="Lead")
    def lead_link(self, event: Event) -> str:
        return link_to(event.lead) if event.lead else "Somebody who was erased"


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    list_display = ["lead_link", "into_link", "cause", "by", "project", "merged_at", "undone_at"]
    list_filter = ["project", "cause", ("undone_at", admin.EmptyFieldListFilter)]
    list_select_related = ["lead", "into", "project"]
    search_fields = ["=by"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="Lead")
    def lead_link(self, merge: Merge) -> str:
        return link_to(merge.lead)

    @admin.display(description="Merged into")
    def into_link(self, merge: Merge) -> str:
        return link_to(merge.into)


@admin.register(RefusedName)
class RefusedNameAdmin(ReadOnlyAdmin):
    list_display = ["value", "kind", "reason", "lead_link", "other_link", "project", "created_at"]
    list_filter = ["project", "reason", "kind"]
    list_select_related = ["lead", "other", "project"]
    search_fields = ["=value", "=event_id"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="Lead")
    def lead_link(self, name: RefusedName) -> str:
        return link_to(name.lead)

    @admin.display(description="Whose it is")
    def other_link(self, name: RefusedName) -> str:
        return link_to(name.other) if name.other else "nobody's"
