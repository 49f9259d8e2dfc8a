"""Lists in a form: event types, named values, and the events of a test, each as rows of inputs."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from scoring.core.typed import read_value, write_value

SPARE_ROWS = 2
MAX_ROWS = 2_000


def _list(data: Any, name: str) -> list[str]:
    values = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
    return [str(value) for value in values[:MAX_ROWS]]


class EventTypesWidget(forms.Widget):
    """One input per event type, with suggestions."""

    template_name = "scoring/widgets/event_types.html"

    suggested: list[str] = []

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return " ".join(" ".join(_list(data, name)).replace(",", " ").split())

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        context["widget"] |= {"types": str(value or "").split() or [""], "suggested": self.suggested}
        return context


class SuggestingInput(forms.TextInput):
    """A text field that offers values but takes others too."""

    def __init__(self, placeholder: str) -> None:
        super().__init__({"placeholder": placeholder, "autocomplete": "off"})
        self.suggested: list[str] = []

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        field = super().render(name, value, {**(attrs or {}), "list": f"{name}-suggested"}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((text,) for text in self.suggested))
        return format_html('{}<datalist id="{}-suggested">{}</datalist>', field, name, options)


class EventTypesField(forms.CharField):
    """Event types with a space between, as the model has them."""

    widget = EventTypesWidget


def event_types_as_tree(text: str) -> str | list[str]:
    """Return event types as a ruleset file has them."""
    types = text.split()
    return types[0] if len(types) == 1 else types


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A name and a value as they are typed."""

    name: str
    value: str

    @property
    def blank(self) -> bool:
        return not self.name.strip() and not self.value.strip()


def open_values(tree: Mapping[str, Any]) -> tuple[list[Pair], dict[str, Any]]:
    """Return values as they are typed, and those that cannot be."""
    pairs, kept = [], {}
    for name, value in tree.items():
        typed = write_value(value, flags=True)
        if typed is None or not name.strip() or name != name.strip() or "\n" in name:
            kept[name] = value
        else:
            pairs.append(Pair(name=name, value=typed))
    return pairs, kept


def close_values(pairs: Iterable[Pair], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed, with what could not be; ValidationError in a sentence when it makes no sense."""
    tree = dict(kept)
    for pair in pairs:
        name = pair.name.strip()
        if pair.blank:
            continue
        if not name:
            raise ValidationError(f"Say what “{pair.value.strip()}” is: it needs a name.")
        if name in tree:
            raise ValidationError(f"“{name}” is there twice.")
        tree[name] = read_value(pair.value, flags=True)
    return tree


def digest_of(tree: Any) -> str:
    """Return a short name for a part of what is stored, by which a form refers to it."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:16]


class ValuesWidget(forms.Widget):
    """Names and values, one pair a row."""

    template_name = "scoring/widgets/values.html"
    stored: Mapping[str, Any] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Pair]:
        pairs = zip(_list(data, f"{name}-name"), _list(data, f"{name}-value"), strict=False)
        return [Pair(name=key, value=value) for key, value in pairs]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-name" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        pairs, kept = open_values(self.stored)
        if isinstance(value, list):
            pairs = [pair for pair in value if not pair.blank]
        context = super().get_context(name, None, attrs)
        context["widget"] |= {"pairs": pairs, "kept": "; ".join(_told(kept, "")), "spare": range(SPARE_ROWS)}
        return context


class ValuesField(forms.Field):
    """Named values, such as traits; `store` says which are being changed."""

    widget = ValuesWidget

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def store(self, tree: Mapping[str, Any]) -> None:
        """Say which values are being changed; those that cannot be typed stay as they are."""
        cast("ValuesWidget", self.widget).stored = tree

    def clean(self, value: list[Pair]) -> dict[str, Any]:
        return close_values(value, open_values(cast("ValuesWidget", self.widget).stored)[1])

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event as it is typed; `kept` names the stored event whose other parts stay as they are."""

    event_type: str = ""
    time: str = ""
    pairs: tuple[Pair, ...] = ()
    kept: str = ""
    also: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return not self.event_type.strip() and not self.time.strip() and all(pair.blank for pair in self.pairs)

    @property
    def also_in_words(self) -> str:
        """Return what the event has beside what can be typed."""
        return "; ".join(_told(self.also, ""))


def _told(value: Any, name: str) -> Iterator[str]:
    """Yield what a value holds, each part with the path to it."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _told(child, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield f"{name} = {', '.join(json.dumps(item, ensure_ascii=False) for item in value)}"
    else:
        yield f"{name} = {value}"


def open_event(tree: Mapping[str, Any]) -> EventRow:
    """Return a stored event as it is typed."""
    pairs, kept = open_values(tree.get("properties", {}))
    also = {name: value for name, value in tree.items() if name not in {"eventType", "timestamp", "properties"}}
    return EventRow(
        event_type=str(tree.get("eventType", "")),
        time=write_time(tree.get("timestamp")),
        pairs=tuple(pairs),
        kept=digest_of(tree),
        also=kept | also,
    )


def close_event(row: EventRow, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as a ruleset file has it; `stored` is the event it was before, or empty."""
    if not row.event_type.strip():
        raise ValidationError("Say which event, such as page_view.")
    tree = {name: value for name, value in stored.items() if name not in {"eventType", "timestamp", "properties"}}
    tree |= {"eventType": row.event_type.strip()}
    known = stored.get("timestamp")
    tree["timestamp"] = known if known and row.time.strip() == write_time(known) else read_time(row.time)
    properties = close_values(row.pairs, open_values(stored.get("properties", {}))[1])
    return tree | ({"properties": properties} if properties else {})


def write_time(text: object) -> str:
    """Return a stored time as a picker of times takes it, in UTC."""
    if not isinstance(text, str):
        return ""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return ""


def read_time(typed: str) -> str:
    """Return what a picker of times says as a ruleset file has it; ValidationError in a sentence otherwise."""
    if not typed.strip():
        raise ValidationError("Say when it happens.")
    try:
        moment = datetime.fromisoformat(typed.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError(f"“{typed.strip()[:40]}” is not a time such as 2026-01-31T10:00.") from None
    return moment.isoformat().replace("+00:00", "Z")


class EventsWidget(forms.Widget):
    """The events of a test: type, time and properties. `problems` says what is wrong in which row."""

    template_name = "scoring/widgets/events.html"

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[dict[str, Any]] = []
        self.problems: dict[int, list[str]] = {}
        self.suggest((), ())

    def suggest(self, event_types: Iterable[str], fields: Iterable[str]) -> None:
        """Offer event types, and of the fields those that are properties."""
        self.suggested = list(event_types)
        self.properties = [name.removeprefix("properties.") for name in fields if name.startswith("properties.")]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[EventRow]:
        pairs = list(
            zip(
                _list(data, f"{name}-pair-event"),
                _list(data, f"{name}-pair-name"),
                _list(data, f"{name}-pair-value"),
                strict=False,
            )
        )
        columns = [_list(data, f"{name}-{part}") for part in ("key", "type", "time", "kept")]
        return [
            EventRow(
                event_type=event_type,
                time=time,
                kept=kept,
                pairs=tuple(Pair(name=label, value=value) for event, label, value in pairs if event == key),
            )
            for key, event_type, time, kept in zip(*columns, strict=False)
        ]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-key" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        opened = [open_event(event) for event in self.stored]
        if isinstance(value, list) and all(isinstance(row, EventRow) for row in value):
            also = {row.kept: row.also for row in opened}
            rows = [
                EventRow(
                    event_type=row.event_type,
                    time=row.time,
                    pairs=tuple(pair for pair in row.pairs if not pair.blank),
                    kept=row.kept,
                    also=also.get(row.kept, {}),
                )
                for row in value
            ]
        else:
            rows = opened
        shown = [
            {"key": f"e{index}", "row": row, "errors": self.problems.get(index, [])}
            for index, row in enumerate(rows)
            if not row.blank or index in self.problems
        ]
        context = super().get_context(name, None, attrs)
        context["widget"] |= {
            "events": shown,
            "blank": EventRow(),
            "spare": range(SPARE_ROWS),
            "spare_events": [f"s{number}" for number in range(SPARE_ROWS if not shown else 1)],
            "suggested": self.suggested,
            "properties": self.properties,
        }
        return context


class EventsField(forms.Field):
    """The events of a test, as a ruleset file has them; `store` says which are being changed."""

    widget = EventsWidget

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.places: list[int] = []

    @property
    def drawn(self) -> EventsWidget:
        """Return the field's widget as what it is."""
        return cast("EventsWidget", self.widget)

    def store(self, events: list[dict[str, Any]]) -> None:
        """Say which events are being changed."""
        self.drawn.stored = events
        self.drawn.problems = {}  # the widget is copied shallowly from form to form
        self.places = []

    def clean(self, value: list[EventRow]) -> list[dict[str, Any]]:
        stored = {digest_of(event): event for event in self.drawn.stored}
        events = []
        for index, row in enumerate(value):
            if row.blank:
                continue
            try:
                events.append(close_event(row, stored.get(row.kept, {})))
                self.places.append(index)
            except ValidationError as mistake:
                self.drawn.problems[index] = list(mistake.messages)
        if self.drawn.problems:
            raise ValidationError("Please correct the marked events.")
        return events

    def mark(self, number: int, words: str) -> None:
        """Mark an event, given by its place among those that were not left empty."""
        self.drawn.problems.setdefault(self.places[number], []).append(words)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True
