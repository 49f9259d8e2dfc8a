"""The forms in which automations are edited: what is missing or wrong is told in a sentence, at the field."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from automation.core.placeholders import NAMES, unknown_placeholders
from automation.models import Action, Automation
from automation.outgoing import refusal_of_url
from ingest.core.secrets import mistake_in_secret
from scoring.timelines import timelines_of

_FIELDS_OF_KIND = {
    Action.Kind.EMAIL: {"recipients", "subject", "message"},
    Action.Kind.SLACK: {"message", "url"},
    Action.Kind.WEBHOOK: {"url", "secret"},
    Action.Kind.ASSIGN: set(),
}
_OPTIONAL_FIELDS = ("recipients", "subject", "message", "url", "secret")
PLACEHOLDERS = ", ".join(f"{{{name}}}" for name in NAMES)


class SuggestingTextInput(forms.TextInput):
    """A text field that offers values but takes others too."""

    def __init__(self, suggestions: Iterable[str]) -> None:
        super().__init__()
        self._suggestions = list(suggestions)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        field = super().render(name, value, {**(attrs or {}), "list": f"{name}-suggestions"}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((text,) for text in self._suggestions))
        return format_html('{}<datalist id="{}-suggestions">{}</datalist>', field, name, options)


class AutomationForm(forms.ModelForm[Automation]):
    """An automation's trigger: a stage change of stages the project has, or an event."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("trigger") == Automation.Trigger.EVENT:
            cleaned["from_stage"] = cleaned["to_stage"] = ""
            if not cleaned.get("event_type") and "event_type" not in self.errors:
                self.add_error("event_type", "Say which event, such as demo_request.")
        else:
            cleaned["event_type"] = ""
            self._check_stages(cleaned)
        return cleaned

    def _check_stages(self, cleaned: dict[str, Any]) -> None:
        # On a new automation the project is a field; later it stands fast.
        project = cleaned.get("project") if "project" in self.fields else self.instance.project
        if project is None:
            return
        stages = stages_of([project.pk])
        for name in ("from_stage", "to_stage"):
            stage = cleaned.get(name)
            if stage and stage not in stages:
                self.add_error(name, f"{project} has no stage “{stage}”. It has {', '.join(stages)}.")
        if cleaned.get("from_stage") and cleaned.get("from_stage") == cleaned.get("to_stage"):
            self.add_error("to_stage", "A lead cannot go from a stage to the same stage.")


class ActionForm(forms.ModelForm[Action]):
    """One action. What its kind does not need is dropped."""

    class Meta:
        model = Action
        fields = ("kind", "position", "active", *_OPTIONAL_FIELDS)
        help_texts = {
            "message": f"May use {PLACEHOLDERS}. Empty: a short standard text.",
            "subject": "May use the same placeholders. Empty: a standard one.",
        }

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        if not subject.isprintable():
            raise ValidationError("A subject is one line.")
        return _with_known_placeholders(subject)

    def clean_message(self) -> str:
        return _with_known_placeholders(self.cleaned_data["message"])

    def clean_recipients(self) -> str:
        recipients = [part.strip() for part in self.cleaned_data["recipients"].split(",") if part.strip()]
        for recipient in recipients:
            try:
                validate_email(recipient)
            except ValidationError:
                raise ValidationError(f"“{recipient}” is not an e-mail address.") from None
        return ", ".join(recipients)

    def clean_secret(self) -> str:
        secrets: list[str] = self.cleaned_data["secret"].split()
        for secret in secrets:
            if mistake := mistake_in_secret(secret):
                raise ValidationError(mistake)
        return " ".join(secrets)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind")
        if kind is None:
            return cleaned
        needed = _FIELDS_OF_KIND[Action.Kind(kind)]
        for name in _OPTIONAL_FIELDS:
            if name not in needed:
                cleaned[name] = ""
                self.errors.pop(name, None)
        if "url" in needed and "url" not in self.errors:
            self._check_url(cleaned.get("url", ""))
        if cleaned.get("active"):
            self.instance.disabled_because = ""
        return cleaned

    def _check_url(self, url: str) -> None:
        if not url:
            self.add_error("url", "Say where to post: a URL that begins with https://.")
        elif refusal := refusal_of_url(url):
            self.add_error("url", refusal)


def stages_of(project_ids: Iterable[UUID]) -> list[str]:
    """Return the stages of these projects' primary scorecards as published, each once."""
    timelines = timelines_of(list(project_ids)).values()
    return list(dict.fromkeys(name for timeline in timelines for name in timeline.latest.primary.stages.names))


def _with_known_placeholders(text: str) -> str:
    if unknown := unknown_placeholders(text):
        raise ValidationError(f"There is no {{{unknown[0]}}}. You may use {PLACEHOLDERS}.")
    return text
