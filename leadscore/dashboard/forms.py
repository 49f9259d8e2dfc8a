"""What people enter: the filters of the leads list, and an event to fire."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import QueryDict

from ingest.core.events import IncomingEvent, Refused, parse_event, valid_email
from ingest.core.identity import Name

ORDERINGS = (
    ("-score", "Highest score first"),
    ("score", "Lowest score first"),
    ("-createdAt", "Newest first"),
    ("createdAt", "Oldest first"),
)
BURSTS = (1, 5, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFilters:
    """Which leads, in which order. Unknown values count as the defaults: links get cut and mistyped."""

    q: str
    stage: str
    ordering: str
    cursor: str | None

    @classmethod
    def read(cls, query: QueryDict) -> "LeadFilters":
        """Return the filters that an address carries."""
        ordering = query.get("ordering", "")
        return cls(
            q=query.get("q", "").replace("\x00", "").strip()[:200],
            stage=query.get("stage", "").replace("\x00", "")[:30],
            ordering=ordering if ordering in dict(ORDERINGS) else ORDERINGS[0][0],
            cursor=query.get("cursor") or None,
        )

    @property
    def active(self) -> bool:
        """Return whether leads are left out."""
        return bool(self.q or self.stage)

    def query(self, cursor: str | None) -> str:
        """Return the query string of another page of the same list."""
        default = ORDERINGS[0][0]
        parts = {
            "q": self.q,
            "stage": self.stage,
            "ordering": "" if self.ordering == default else self.ordering,
            "cursor": cursor or "",
        }
        return "?" + urlencode({name: value for name, value in parts.items() if value})


class FireForm(forms.Form):
    """An event to fire, for a lead of the project or a new one. It is refused as the API would refuse it."""

    who = forms.ChoiceField(choices=[("known", "A lead"), ("new", "A new lead")], required=False)
    lead = forms.UUIDField(required=False, error_messages={"invalid": "Choose a lead."})
    name = forms.CharField(max_length=200, required=False)
    email = forms.CharField(max_length=254, required=False)
    company = forms.CharField(max_length=200, required=False)
    event_type = forms.CharField(max_length=64, required=False)
    other_type = forms.CharField(max_length=64, required=False)
    properties = forms.CharField(max_length=20_000, required=False)
    times = forms.ChoiceField(choices=[(str(times), f"×{times}") for times in BURSTS], required=False)

    @property
    def is_new(self) -> bool:
        return bool(self.cleaned_data.get("who") == "new")

    @property
    def chosen_type(self) -> str:
        """Return the type to fire: the one chosen, else the one typed."""
        return str(self.cleaned_data.get("event_type") or self.cleaned_data.get("other_type", ""))

    @property
    def lead_id(self) -> UUID | None:
        """Return the chosen lead, or None for a new one."""
        return None if self.is_new else self.cleaned_data.get("lead")

    @property
    def traits(self) -> dict[str, str]:
        """Return what was entered about a new lead."""
        return {name: value for name in ("name", "email", "company") if (value := self.cleaned_data.get(name))}

    @property
    def names(self) -> list[Name]:
        """Return what a new lead answers to."""
        email = self.cleaned_data.get("email")
        return [Name("email", email)] if email else []

    def events(self, lead_id: UUID) -> list[IncomingEvent]:
        """Return the events to record for a lead."""
        times = int(self.cleaned_data["times"] or 1)
        return [self._event(str(lead_id)) for _ in range(times)]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if not email:
            return ""
        try:
            return valid_email(email, pointer="/email")
        except Refused:
            raise forms.ValidationError("This is not an e-mail address.") from None

    def clean_properties(self) -> str:
        text: str = self.cleaned_data["properties"].strip()
        try:
            if text and not isinstance(json.loads(text), dict):
                raise forms.ValidationError('Properties are a JSON object, such as {"path": "/pricing"}.')
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from None
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.is_new and not cleaned.get("lead") and "lead" not in self.errors:
            self.add_error("lead", "Choose a lead, or make a new one.")
        if "properties" in cleaned and "event_type" in cleaned:
            self._check_event()
        return cleaned

    def _check_event(self) -> None:
        try:
            self._event("00000000-0000-0000-0000-000000000000")
        except Refused as refusal:
            for problem in refusal.problems:
                pointer = problem.pointer
                if pointer.startswith("/properties"):
                    self.add_error("properties", f"{pointer.removeprefix('/')} {problem.detail}.")
                elif pointer in ("/eventType", "/event"):
                    self.add_error("other_type", f"The event type {problem.detail}.")
                else:
                    self.add_error(None, f"{pointer} {problem.detail}".strip())

    def _event(self, lead_id: str) -> IncomingEvent:
        """Return the event as the API would read it; raise `Refused`."""
        properties = json.loads(self.cleaned_data.get("properties") or "{}")
        body = {"eventType": self.chosen_type, "leadId": lead_id, "properties": properties}
        return parse_event(json.dumps(body).encode("utf-8", "surrogatepass"))
