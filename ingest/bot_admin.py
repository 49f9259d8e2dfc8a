"""What a project takes for bots, as people edit it on the project's page of the admin."""

import re
from typing import Any

from django import forms
from django.contrib import admin

from ingest.models import BotFilter, Project

_EVENT_TYPE = re.compile(r"[A-Za-z0-9_]{1,64}")


class EventTypesField(forms.CharField):
    """Event types, typed one a line."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 3}), **arguments)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        types = list(dict.fromkeys((value or "").split()))
        for each in types:
            if not _EVENT_TYPE.fullmatch(each):
                raise forms.ValidationError(f"“{each}” is no event type: it takes letters, digits and underscores.")
        return types

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != str(data or "").split()


class BotFilterForm(forms.ModelForm[BotFilter]):
    click_types = EventTypesField(help_text="Event types of clicks in mails, one a line.")
    open_types = EventTypesField(help_text="Event types of opened mails, one a line; they go with the clicks around.")

    class Meta:
        model = BotFilter
        fields = ["known_bots", "gateways", "click_types", "open_types", "links", "seconds"]


class BotFilterInline(admin.StackedInline[BotFilter, Project]):
    """The filter of a project. Without one it has the defaults; what has been judged already stays as it is."""

    model = BotFilter
    form = BotFilterForm
    extra = 0
    verbose_name_plural = "Bots"
