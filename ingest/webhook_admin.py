"""Where members connect other systems by webhooks, try mappings out, and see and replay what came."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince

from ingest.admin import ProjectScopedAdmin, ReadOnlyAdmin, visible_projects
from ingest.core.events import IncomingEvent, Refused
from ingest.core.mapping import Ignored, parse_payload, read, shown
from ingest.core.vendors import VENDORS, Vendor
from ingest.ids import uuid_of
from ingest.models import WebhookReceipt, WebhookSource
from ingest.selectors import newest_receipts
from ingest.services.webhook_sources import change_secret, new_secret
from ingest.services.webhooks import replay
from ingest.webhook_forms import TryForm, WebhookSourceForm, mapping_of, vendor_initial

_PICKED_RECEIPTS = 20
_MAPPING = [
    "event_type", "event_types", "others_ignored", "user_id", "email", "anonymous_id", "timestamp", "event_id",
    "traits", "properties", "when", "items",
]  # fmt: skip
_SIGNING = [
    "scheme", "signature_header", "signature_form", "signed_content", "signature_encoding", "timestamp_header",
    "tolerance",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What an item of a payload would become: an event, as JSON, or a reason why not."""

    kind: str
    event: str = ""
    reason: str = ""


@admin.register(WebhookSource)
class WebhookSourceAdmin(ProjectScopedAdmin):
    form = WebhookSourceForm
    change_form_template = "admin/ingest/webhook_source_form.html"
    list_display = ["name", "slug", "project", "active", "waiting", "last"]
    list_filter = ["project", "active"]
    list_select_related = ["project"]
    search_fields = ["name", "slug"]

    class Media:
        css = {"all": ["ingest/webhooks.css"]}
        js = ["ingest/webhooks.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookSource]:
        sources: QuerySet[WebhookSource] = super().get_queryset(request)
        return sources.annotate(
            refused_count=Count("receipts", filter=Q(receipts__refused=True)), last_at=Max("receipts__received_at")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookSource | None = None) -> list[str]:
        return ["project", "slug", "address", "secrets_kept", "last_refusal"] if obj else []

    def get_fieldsets(self, request: HttpRequest, obj: WebhookSource | None = None) -> Any:
        about = ["project", "name", "slug", "active", "events_per_minute"]
        if obj is None:
            return [
                (None, {"fields": about}),
                ("Signature", {"fields": [*_SIGNING, "new_secret"], "classes": ["signing"]}),
                ("Mapping", {"fields": _MAPPING}),
            ]
        arrives = (None, {"fields": ["address", "last_refusal", *about]})
        if not self.has_change_permission(request, obj):
            return [arrives, ("Signature", {"fields": _SIGNING}), ("Mapping", {"fields": ["mapping"]})]
        secrets = ["secrets_kept", "new_secret", "make_secret", *(["drop_former"] if obj.former_secret else [])]
        return [
            arrives,
            ("Signature", {"fields": [*_SIGNING, *secrets], "classes": ["signing"]}),
            ("Mapping", {"fields": _MAPPING}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        vendor = VENDORS.get(request.GET.get("vendor", ""))
        initial = super().get_changeform_initial_data(request)
        return initial | (vendor_initial(vendor) if vendor else {})

    def save_model(self, request: HttpRequest, obj: WebhookSource, form: Any, change: bool) -> None:  # noqa: FBT001
        given = form.cleaned_data["new_secret"]
        made = ""
        if not given and (form.cleaned_data.get("make_secret") or not obj.secret):
            made = new_secret(WebhookSource.Scheme(obj.scheme))
        if given or made:
            change_secret(obj, given or made)
        if form.cleaned_data.get("drop_former"):
            obj.former_secret = ""
        super().save_model(request, obj, form, change)
        if not change:
            messages.success(request, f"Paste this URL into the sender’s settings: {self.address(obj)}")
        if made:
            messages.warning(request, f"The source’s secret, shown only this once: {made}")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        chosen = request.GET.get("vendor", "")
        context |= {
            "vendors": VENDORS.values(),
            "chosen_vendor": VENDORS.get(chosen),
            "tries": self.has_change_permission(request, obj) if obj else True,
            "picks": _picks(obj, request),
            "receipts_url": _receipts_url(obj) if obj else None,
            "try_url": reverse("admin:ingest_webhooksource_try"),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_out)
        return [path("try/", view, name="ingest_webhooksource_try"), *super().get_urls()]

    def try_out(self, request: HttpRequest) -> HttpResponse:
        """Show what the mapping of a form would make of a payload. Nothing is stored."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = TryForm(request.POST)
        context: dict[str, Any] = {"problems": [], "tried": [], "payload": ""}
        if form.is_valid():
            text, webhook_id, problem = _picked(form, request)
            if problem:
                context["problems"] = [problem]
            else:
                context |= {"tried": _tried(form, text, webhook_id=webhook_id), "payload": _pretty(text)}
        else:
            context["problems"] = [
                f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: {error}"
                if name in form.fields
                else str(error)
                for name, errors in form.errors.items()
                for error in errors
            ]
        whole = request.headers.get("X-Requested-With") != "fetch"
        template = "admin/ingest/try_webhook.html" if whole else "admin/ingest/_tried.html"
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "title": "Try it out", **context}
        )

    @admin.display(description="URL")
    def address(self, source: WebhookSource) -> str:
        """Return what to paste into the sender's settings."""
        return address_of(source)

    @admin.display(description="Secrets")
    def secrets_kept(self, source: WebhookSource) -> str:
        """Return which secrets there are, and nothing of them."""
        return "One, and the former one" if source.former_secret else "One"

    @admin.display(description="Last refused")
    def last_refusal(self, source: WebhookSource) -> str:
        """Return why a request was last refused for its signature."""
        if source.refused_at is None:
            return "No request with a wrong signature yet"
        return f"{_ago(source.refused_at)}: {source.refused_because}"

    @admin.display(description="Refused", ordering="refused_count")
    def waiting(self, source: Any) -> str:
        """Return how many of its webhooks wait for a mapping that fits."""
        if not source.refused_count:
            return "–"
        return format_html('<a href="{}&refused__exact=1">{}</a>', _receipts_url(source), source.refused_count)

    @admin.display(description="Last webhook", ordering="last_at")
    def last(self, source: Any) -> str:
        return _ago(source.last_at) if source.last_at else "None yet"


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnlyAdmin):
    """What came from sources lately."""

    project_lookup = "source__project"
    actions = ["replay_chosen"]
    list_display = ["received_at", "source", "outcome", "reason", "event_id", "size"]
    list_filter = [("source", admin.RelatedOnlyFieldListFilter), "outcome", "refused"]
    list_select_related = ["source"]
    fields = ["source", "received_at", "outcome", "reason", "event_id", "webhook_id", "size", "payload_shown"]
    readonly_fields = ["payload_shown"]
    ordering = ["-id"]
    show_full_result_count = False

    class Media:
        css = {"all": ["ingest/webhooks.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the person may delete receipts: they hold personal data, and go with their source."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may make receipts into events."""
        return request.user.has_perm("ingest.change_webhooksource")

    @admin.display(description="Payload")
    def payload_shown(self, receipt: WebhookReceipt) -> str:
        text = _pretty(receipt.payload) if receipt.complete else f"{receipt.payload}\n… (cut off)"
        return format_html('<pre class="webhook-payload">{}</pre>', text)

    @admin.action(description="Replay with the mapping as it is now", permissions=["replay"])
    def replay_chosen(self, request: HttpRequest, queryset: QuerySet[WebhookReceipt]) -> None:
        projects = visible_projects(request).values_list("pk", flat=True)
        chosen = list(queryset.values_list("pk", flat=True))
        replayed = replay(list(projects), chosen, now=timezone.now())
        counts = Counter(WebhookReceipt.Outcome(found.outcome).label.lower() for found in replayed if found)
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        if cut := sum(found is None for found in replayed):
            said += f"{', ' if said else ''}{cut} too large to be kept whole, so not replayed"
        refused = any(found is None or found.refused for found in replayed)
        self.message_user(request, f"Replayed: {said}.", messages.WARNING if refused else messages.SUCCESS)


def address_of(source: WebhookSource) -> str:
    """Return the address to which a source's webhooks are sent."""
    return settings.PUBLIC_URL + reverse("api-webhooks", args=[source.public_id]).rstrip("/")


def _receipts_url(source: WebhookSource) -> str:
    query = urlencode({"source__id__exact": source.pk})
    return f"{reverse('admin:ingest_webhookreceipt_changelist')}?{query}"


def _ago(moment: datetime) -> str:
    return f"{timesince(moment, timezone.now()).split(',')[0]} ago"


def _picks(source: WebhookSource | None, request: HttpRequest) -> list[tuple[str, str, bool]]:
    """Return the payloads to choose from: those of the source that came last, then those of vendors."""
    receipts = newest_receipts(source.pk, limit=_PICKED_RECEIPTS) if source else []
    came = [
        (f"receipt:{receipt.pk}", f"{receipt.received_at:%Y-%m-%d %H:%M:%S} {receipt.get_outcome_display()}")
        for receipt in receipts
        if receipt.complete
    ]
    vendors: list[Vendor] = list(VENDORS.values())
    signs = source.scheme_of_signing if source else None
    like = next((vendor.slug for vendor in vendors if vendor.scheme == signs), request.GET.get("vendor", ""))
    samples = [(f"vendor:{vendor.slug}", f"An example of {vendor.name}") for vendor in vendors]
    return [(value, label, value == f"vendor:{like}" and not came) for value, label in [*came, *samples]]


def _picked(form: TryForm, request: HttpRequest) -> tuple[str, str | None, str]:
    """Return the payload to try, the id signed with it, and what keeps it from being tried, in words."""
    signed = "example" if form.cleaned_data["scheme"] == WebhookSource.Scheme.STANDARD else None
    if form.cleaned_data["try_payload"].strip():
        return form.cleaned_data["try_payload"], signed, ""
    kind, _, name = form.cleaned_data["try_pick"].partition(":")
    if kind == "vendor" and name in VENDORS:
        return VENDORS[name].payload, signed, ""
    receipt = _receipt(name, request) if kind == "receipt" else None
    if receipt is None:
        return "", None, "Paste a payload, or choose one."
    return receipt.payload, receipt.webhook_id or None, ""


def _receipt(text: str, request: HttpRequest) -> WebhookReceipt | None:
    if (key := uuid_of(text)) is None:
        return None
    projects = visible_projects(request)
    return WebhookReceipt.objects.filter(source__project__in=projects, pk=key, complete=True).first()


def _tried(form: TryForm, text: str, *, webhook_id: str | None) -> list[Tried]:
    slug = form.cleaned_data["slug"] or "source"
    try:
        readings = read(mapping_of(form), parse_payload(text.encode()), slug=slug, webhook_id=webhook_id)
    except Refused as refused:
        readings = [refused]
    found = []
    for reading in readings:
        if isinstance(reading, IncomingEvent):
            found.append(Tried(kind="event", event=json.dumps(shown(reading), indent=2, ensure_ascii=False)))
        elif isinstance(reading, Ignored):
            found.append(Tried(kind="ignored", reason=reading.reason))
        else:
            found.append(Tried(kind="refused", reason=reading.detail))
    return found


def _pretty(text: str) -> str:
    """Return JSON in lines, or the text as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
