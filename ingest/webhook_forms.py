"""The forms in which webhook sources are edited. What is wrong is told at the field it is wrong in."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from ingest.core import mapping_lines as lines
from ingest.core.events import Problem, Refused
from ingest.core.mapping import Mapping as EventMapping
from ingest.core.mapping import parse_mapping
from ingest.core.signatures import HeaderScheme, mistake_in_source_secret, mistakes_in_scheme
from ingest.core.vendors import Vendor
from ingest.models import WebhookSource

_ONE_A_LINE = "One a line: the first that finds something counts."
_SCHEME_FIELDS = {
    "header": "signature_header",
    "form": "signature_form",
    "signed": "signed_content",
    "timestamp_header": "timestamp_header",
    "tolerance": "tolerance",
}
_WIRE_NAMES = {
    "items": "items",
    "when": "when",
    "eventType": "event_type",
    "eventTypes": "event_types",
    "eventId": "event_id",
    "timestamp": "timestamp",
    "userId": "user_id",
    "email": "email",
    "anonymousId": "anonymous_id",
    "traits": "traits",
    "properties": "properties",
}


class _Lines(forms.CharField):
    """A box in which one thing stands on each line."""

    def __init__(self, *, rows: int, help_text: str, required: bool = False, label: str | None = None) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "class": "webhook-lines", "spellcheck": "false"})
        super().__init__(required=required, help_text=help_text, label=label, widget=widget, max_length=20_000)


class MappingForm(forms.Form):
    """How a payload becomes an event, part by part. `cleaned_data["mapping"]` is the mapping."""

    event_type = _Lines(
        rows=2, required=True, help_text=f"A path such as $.type, or a fixed type such as signup. {_ONE_A_LINE}"
    )
    event_types = _Lines(
        rows=3,
        label="Types in their words and ours",
        help_text="Such as checkout.session.completed = contract_signed. One a line. Others keep their name, written "
        "as ours are: “Pricing Viewed” becomes pricing_viewed.",
    )
    others_ignored = forms.BooleanField(required=False, label="Leave out types that are not in this list")
    user_id = _Lines(rows=2, label="User id", help_text=f"Whose event it is. {_ONE_A_LINE}")
    email = _Lines(rows=2, label="E-mail address", help_text=_ONE_A_LINE)
    anonymous_id = _Lines(rows=1, label="Anonymous id", help_text=_ONE_A_LINE)
    timestamp = _Lines(
        rows=1,
        help_text="When it happened, such as 2026-01-31T10:00:00Z, or in seconds since 1970. Empty: when it came.",
    )
    event_id = _Lines(
        rows=1,
        label="Event id",
        help_text="What is the same when the webhook is sent again, so that it counts once. Empty: the id that the "
        "sender signed, else the payload itself.",
    )
    traits = _Lines(rows=3, help_text="What is known of the person, such as name = $.customer.name. One a line.")
    properties = _Lines(rows=5, help_text="What is known of the event, such as plan = $.data.plan. One a line.")
    when = _Lines(
        rows=2,
        label="Only when",
        help_text="Such as $.livemode = true, $.status != draft, canceled, or $.email for “there is one”. All of "
        "them must hold; other payloads are left out.",
    )
    items = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"size": 60, "spellcheck": "false"}),
        label="List of events",
        help_text="If one payload holds several events: the path to them, such as $.events[*]. All other paths then "
        "begin at each of them.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        tree = self._tree(cleaned)
        try:
            mapping = parse_mapping(tree)
        except Refused as refused:
            for problem in refused.problems:
                self._tell(problem)
        else:
            if not self.errors:
                cleaned["mapping"], cleaned["mapping_tree"] = mapping, tree
        return cleaned

    def _tree(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        readers: dict[str, Callable[[str], Any]] = {
            "items": lambda text: text,
            "when": lambda text: lines.read_conditions(text, pointer="/when"),
            "eventTypes": lambda text: lines.read_types(text, pointer="/eventTypes"),
            "traits": lambda text: lines.read_named(text, pointer="/traits"),
            "properties": lambda text: lines.read_named(text, pointer="/properties"),
        }
        for wire, name in _WIRE_NAMES.items():
            if text := cleaned.get(name, ""):
                try:
                    tree[wire] = readers.get(wire, lines.lines_of)(text)
                except Refused as refused:
                    self._tell(refused.problems[0])
        if cleaned.get("others_ignored"):
            tree["othersIgnored"] = True
        return tree

    def _tell(self, problem: Problem) -> None:
        """Tell a mistake at its field; `/traits/plan/0 must …` is about the line of `plan`."""
        _, wire, *inside = [*problem.pointer.split("/"), ""]
        field = _WIRE_NAMES.get(wire)
        if field == "event_type" and "event_type" in self.errors:
            return  # that it is required has been told
        if field == "when":
            where = f"Line {int(inside[0]) + 1} " if inside[0].isdigit() else ""
        elif wire in _UNNAMED or not inside[0]:
            where = ""
        else:
            where = f"“{inside[0].replace('~1', '/').replace('~0', '~')}” "
        said = where + problem.detail
        self.add_error(field, said[:1].upper() + said[1:] + ("" if said.endswith((".", "?")) else "."))


_UNNAMED = frozenset({"items", "eventType", "eventId", "timestamp", "userId", "email", "anonymousId", ""})


def mapping_initial(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields of `MappingForm` hold for a mapping."""
    return {
        "items": tree.get("items", ""),
        "when": lines.write_conditions(tree.get("when", [])),
        "event_types": lines.write_named(tree.get("eventTypes", {})),
        "others_ignored": tree.get("othersIgnored", False),
        "traits": lines.write_named(tree.get("traits", {})),
        "properties": lines.write_named(tree.get("properties", {})),
        **{
            _WIRE_NAMES[wire]: lines.write_values(tree.get(wire))
            for wire in ("eventType", "eventId", "timestamp", "userId", "email", "anonymousId")
        },
    }


def vendor_initial(vendor: Vendor) -> dict[str, Any]:
    """Return what the form of a new source of a vendor begins with."""
    initial = {"name": vendor.name, "slug": vendor.slug, **mapping_initial(vendor.mapping)}
    if not isinstance(vendor.scheme, HeaderScheme):
        return initial | {"scheme": WebhookSource.Scheme.STANDARD}
    return initial | {
        "scheme": WebhookSource.Scheme.HEADER,
        "signature_header": vendor.scheme.header,
        "signature_form": vendor.scheme.form,
        "signed_content": vendor.scheme.signed,
        "signature_encoding": vendor.scheme.encoding,
        "timestamp_header": vendor.scheme.timestamp_header,
        "tolerance": vendor.scheme.tolerance,
    }


class WebhookSourceForm(MappingForm, forms.ModelForm[WebhookSource]):
    """A source: how it signs, with which secrets, and its mapping. A secret is taken in and never shown again."""

    new_secret = forms.CharField(
        required=False,
        label="New secret",
        strip=True,
        max_length=300,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "size": 60}),
        help_text="Paste the one that the sender shows. The one before stays good until you say otherwise, so that "
        "nothing is lost meanwhile.",
    )
    make_secret = forms.BooleanField(
        required=False,
        label="Make a new secret",
        help_text="Shown once, to be pasted into the sender’s settings.",
    )
    drop_former = forms.BooleanField(required=False, label="Take no more webhooks signed with the former secret")

    class Meta:
        model = WebhookSource
        fields = [
            "project",
            "name",
            "slug",
            "active",
            "events_per_minute",
            "scheme",
            *_SCHEME_FIELDS.values(),
            "signature_encoding",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.mapping:
            self.initial.update(mapping_initial(self.instance.mapping))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.instance.mapping = cleaned.get("mapping_tree", self.instance.mapping)
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # fills in the instance, whose scheme is looked at here
        scheme = self.instance.scheme_of_signing
        if isinstance(scheme, HeaderScheme):
            for problem in mistakes_in_scheme(scheme):
                self.add_error(_SCHEME_FIELDS[problem.pointer[1:]], f"This {problem.detail}.")
        new = self.cleaned_data.get("new_secret", "")
        secret = new or ("" if self.cleaned_data.get("make_secret") else self.instance.secret)
        if secret and (mistake := mistake_in_source_secret(scheme, secret)):
            self.add_error("new_secret", mistake if new else f"The present secret does not fit: {mistake}")
        former = self.instance.secret if new or self.cleaned_data.get("make_secret") else self.instance.former_secret
        if self.cleaned_data.get("drop_former") or (former and mistake_in_source_secret(scheme, former)):
            self.cleaned_data["drop_former"] = True


class TryForm(MappingForm):
    """A mapping and what to try it with: a payload that is pasted, or one of a vendor or of a receipt."""

    scheme = forms.CharField(required=False)
    slug = forms.CharField(required=False)
    try_payload = forms.CharField(required=False, max_length=1024 * 1024)
    try_pick = forms.CharField(required=False)


def mapping_of(form: MappingForm) -> EventMapping:
    """Return the mapping of a form that is valid."""
    mapping = form.cleaned_data["mapping"]
    if not isinstance(mapping, EventMapping):
        raise ValidationError("This form has no mapping.")
    return mapping
