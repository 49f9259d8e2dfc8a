"""The forms of scorecards, rules and tests. What is wrong is found by the same validation as a file's, and told at
the field it is about.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from django import forms

from ingest.models import Project
from scoring.core.ruleset import RulesetInvalid, parse_ruleset
from scoring.forms.conditions import ConditionField
from scoring.forms.lists import (
    EventsField,
    EventTypesField,
    EventTypesWidget,
    SuggestingInput,
    ValuesField,
    event_types_as_tree,
)
from scoring.models import Rule, RuleGroup, RulesetTest, Scorecard, Stage
from scoring.services.draft import tree_of_rule
from scoring.suggestions import Suggestions, options_of

PICKER = "%Y-%m-%dT%H:%M:%S"
_SPARE_STAGES = [{"name": "cold", "min": -100_000_000}]
_FIELDS_OF_RULE = {
    "name": "name",
    "event": "event_types",
    "points": "points",
    "cap/times": "cap_times",
    "cap/per": "cap_per",
    "cap/distinct": "cap_distinct",
    "cap": "cap_times",
    "expires_after_days": "expires_after_days",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "group": "group",
    "when": "when",
}


def mistakes_in(tree: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return what is wrong with a ruleset tree, as (pointer, sentence)."""
    try:
        parse_ruleset(tree)
    except RulesetInvalid as invalid:
        return [(pointer, sentence(detail)) for pointer, detail in invalid.errors]
    return []


def sentence(detail: str) -> str:
    """Return words that follow a field's name as a sentence of their own."""
    return f"{detail[0].upper()}{detail[1:]}{'' if detail.endswith('.') else '.'}"


class MomentField(forms.DateTimeField):
    """A moment in UTC, chosen with the browser's own picker."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format=PICKER)
        super().__init__(required=False, widget=widget, **options)


class _DraftForm(forms.ModelForm[Any]):
    """A form with suggestions. A picker shows whole seconds; a moment nobody touched keeps its fractions."""

    suggestions = Suggestions()

    def kept(self, name: str, cleaned: Mapping[str, Any]) -> Any:
        """Return a moment as it was before if it was not changed."""
        before = getattr(self.instance, name)
        now = cleaned.get(name)
        return before if now is not None and before is not None and before.replace(microsecond=0) == now else now


class RuleForm(_DraftForm):
    """A rule: which events count, when, for how much, how often and how long."""

    event_types = EventTypesField(label="Events", help_text="Which events count; * stands for every event.")
    when = ConditionField(label="Conditions")
    cap_times = forms.IntegerField(label="Counts at most", required=False)
    cap_per = forms.ChoiceField(label="times per", choices=Rule.Per.choices, required=False)
    cap_distinct = forms.CharField(
        label="and different",
        required=False,
        max_length=200,
        widget=SuggestingInput("properties.path"),
    )
    expires_after_days = forms.IntegerField(
        label="Points expire after", required=False, help_text="Days until the points are taken away again."
    )
    valid_from = MomentField(label="Valid from", help_text="UTC. Events before it do not count. Empty: from always.")
    valid_to = MomentField(label="Valid until", help_text="UTC. Events from then on do not count. Empty: for ever.")

    class Meta:
        model = Rule
        fields = (
            "scorecard",
            "name",
            "active",
            "event_types",
            "when",
            "points",
            "cap_times",
            "cap_per",
            "cap_distinct",
            "group",
            "expires_after_days",
            "valid_from",
            "valid_to",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._conditions.store(self.instance.when)
        self._conditions.drawn.suggested = options_of(self.suggestions.fields)
        cast("EventTypesWidget", self.fields["event_types"].widget).suggested = list(self.suggestions.event_types)
        cast("SuggestingInput", self.fields["cap_distinct"].widget).suggested = list(self.suggestions.fields)

    @property
    def _conditions(self) -> ConditionField:
        return cast("ConditionField", self.fields["when"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("valid_from", "valid_to"):
            cleaned[name] = self.kept(name, cleaned)
        cleaned["cap_per"] = cleaned.get("cap_per") or Rule.Per.LEAD
        if cleaned.get("cap_distinct") and cleaned.get("cap_times") is None and "cap_times" not in self.errors:
            self.add_error("cap_times", "Say how many times.")
        card = cleaned.get("scorecard")
        if card is not None:
            self._check(card, cleaned)
        return cleaned

    def _check(self, card: Scorecard, cleaned: Mapping[str, Any]) -> None:
        group = cleaned.get("group")
        if group is not None and group.scorecard_id != card.pk:
            self.add_error("group", f"“{group}” is a group of another scorecard. Choose one of {card}.")
        others = list(card.rules.exclude(pk=self.instance.pk).values_list("name", flat=True))
        tree = {
            "name": card.name,
            "basis": card.basis,
            "floor": 0,
            "groups": [{"name": name, "max": 0} for name in card.groups.values_list("name", flat=True)],
            "rules": [{"name": name, "points": 0, **_blank(card)} for name in others] + [self._tree(cleaned)],
        }
        self._tell(mistakes_in({"scorecards": [tree]}), f"/scorecards/0/rules/{len(others)}/")

    def _tree(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rule as a file has it; what is wrong already stands in for itself as something right."""
        fields = {name: value for name, value in cleaned.items() if name in self.fields and name != "scorecard"}
        rule = (
            Rule(**fields)
            if fields.get("points") is not None
            else Rule(points=Decimal(0), **_without(fields, "points"))
        )
        tree = tree_of_rule(rule)
        return tree | {
            "name": cleaned.get("name") or "?",
            "event": event_types_as_tree(cleaned.get("event_types", "*")),
        }

    def _tell(self, mistakes: Sequence[tuple[str, str]], lead: str) -> None:
        conditions = []
        for pointer, words in mistakes:
            if not pointer.startswith(lead):
                continue
            place = pointer.removeprefix(lead)
            if place == "when" or place.startswith("when/"):
                conditions.append((place.removeprefix("when"), words))
                continue
            parts = place.split("/")
            name = _FIELDS_OF_RULE.get("/".join(parts[:2])) or _FIELDS_OF_RULE.get(parts[0])
            if name not in self.errors:
                self.add_error(name, words)
        if conditions and "when" not in self.errors:
            homeless = self._conditions.mark(conditions)
            self.add_error("when", homeless or ["Please correct the marked conditions."])


def _blank(card: Scorecard) -> dict[str, str]:
    return {"event": "*"} if card.basis == Scorecard.Basis.TRAITS else {}


def _without(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if key != name}


class ScorecardForm(forms.ModelForm[Scorecard]):
    """A scorecard's own fields; its stages and groups are checked in their rows."""

    class Meta:
        model = Scorecard
        fields = ("project", "name", "position", "basis", "floor", "cap", "half_life_days")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        project = cleaned.get("project") if "project" in self.fields else self.instance.project
        if project is None:
            return cleaned
        others = Scorecard.objects.filter(project=project).exclude(pk=self.instance.pk)
        card = {name: cleaned[name] for name in ("name", "basis", "floor", "cap") if cleaned.get(name) is not None}
        card |= {"half_life_days": cleaned.get("half_life_days"), "stages": _SPARE_STAGES}
        names = [{"name": name} for name in others.values_list("name", flat=True)]
        for pointer, words in mistakes_in({"scorecards": [*names, {"name": "?"} | card]}):
            place = pointer.removeprefix(f"/scorecards/{len(names)}/").split("/")[0]
            if place in self.fields and place not in self.errors:
                self.add_error(place, words)
        if (
            not self.instance._state.adding
            and cleaned.get("basis") == Scorecard.Basis.TRAITS
            and "basis" not in self.errors
        ):
            self._check_rules(cleaned)
        return cleaned

    def _check_rules(self, cleaned: Mapping[str, Any]) -> None:
        rules = [tree_of_rule(rule) for rule in self.instance.rules.select_related("group")]
        groups = [{"name": name, "max": 0} for name in self.instance.groups.values_list("name", flat=True)]
        card = {"name": "?", "basis": cleaned["basis"], "groups": groups, "rules": rules}
        for pointer, words in mistakes_in({"scorecards": [card]}):
            if pointer.startswith("/scorecards/0/rules/"):
                rule = rules[int(pointer.split("/")[4])]
                self.add_error("basis", f"Rule “{rule['name']}”, {pointer.split('/')[5]}: {words}")


class RowForm(forms.ModelForm[Any]):
    """A row that is checked together with its neighbours as they are sent, not as they are stored: rows may swap."""

    def clean(self) -> dict[str, Any]:
        return self.cleaned_data


class StageFormSet(forms.BaseInlineFormSet[Stage, Scorecard, forms.ModelForm[Stage]]):
    """The stages of a scorecard, checked together."""

    def clean(self) -> None:
        kept = list(_filled(self.forms))
        if any(self.errors) or not kept:
            return
        card = self.instance
        floor = card.floor
        stages = [
            {
                "name": form.cleaned_data["name"],
                "min": form.cleaned_data["minimum"],
                "hysteresis": form.cleaned_data["hysteresis"],
            }
            for form in kept
        ]
        tree = {"name": "?", "floor": floor, "cap": max(floor, card.cap), "stages": stages}
        for pointer, words in mistakes_in({"scorecards": [tree]}):
            if pointer.startswith("/scorecards/0/stages/"):
                _, _, _, _, index, name = [*pointer.split("/"), "name"][:6]
                kept[int(index)].add_error({"min": "minimum"}.get(name, name), words)


class GroupFormSet(forms.BaseInlineFormSet[RuleGroup, Scorecard, forms.ModelForm[RuleGroup]]):
    """The groups of a scorecard, checked together."""

    def clean(self) -> None:
        kept = list(_filled(self.forms))
        if any(self.errors) or not kept:
            return
        groups = [{"name": form.cleaned_data["name"], "max": form.cleaned_data["maximum"]} for form in kept]
        for pointer, words in mistakes_in({"scorecards": [{"name": "?", "groups": groups}]}):
            if pointer.startswith("/scorecards/0/groups/"):
                _, _, _, _, index, name = [*pointer.split("/"), "name"][:6]
                kept[int(index)].add_error({"max": "maximum"}.get(name, name), words)
        taken = max((form.instance.position for form in kept if not form.instance._state.adding), default=-1)
        for form in kept:
            if form.instance._state.adding:
                taken += 1
                form.instance.position = taken


def _filled(rows: Sequence[forms.ModelForm[Any]]) -> Iterator[forms.ModelForm[Any]]:
    """Yield the rows that say something and are not to be deleted."""
    for form in rows:
        if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE"):
            yield form


class RulesetTestForm(_DraftForm):
    """A test of the rules: events, what is known of the lead, and where it should end."""

    events = EventsField(label="Events", help_text="What happens, in any order.")
    traits = ValuesField(label="Known of the lead", help_text="Traits the lead has from the beginning.")
    as_of = MomentField(
        label="Looked at", help_text="UTC. When to look at the score. Empty: right after the last event."
    )

    class Meta:
        model = RulesetTest
        fields = ("project", "name", "events", "traits", "as_of", "score", "stage")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._events.store(self.instance.events)
        self._events.drawn.suggest(self.suggestions.event_types, self.suggestions.fields)
        cast("ValuesField", self.fields["traits"]).store(self.instance.traits)

    @property
    def _events(self) -> EventsField:
        return cast("EventsField", self.fields["events"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["as_of"] = self.kept("as_of", cleaned)
        project: Project | None = cleaned.get("project") if "project" in self.fields else self.instance.project
        said = cleaned.get("score") is not None or cleaned.get("stage") or self.instance.elsewhere
        if not said and not {"score", "stage"} & set(self.errors):
            self.add_error("score", "Say which score or stage you expect.")
        if project is not None:
            self._check(project, cleaned)
        return cleaned

    def _check(self, project: Project, cleaned: Mapping[str, Any]) -> None:
        names = list(Scorecard.objects.filter(project=project).values_list("name", flat=True)) or ["?"]
        expect: dict[str, Any] = {"score": cleaned.get("score")}
        expect |= {"stage": cleaned["stage"]} if cleaned.get("stage") else {}
        test = {"name": cleaned.get("name") or "?", "expect": expect | {"scorecards": self.instance.elsewhere}}
        test |= {name: cleaned[name] for name in ("events", "traits", "as_of") if cleaned.get(name)}
        cards = [{"name": name} for name in dict.fromkeys(names)]
        for pointer, words in mistakes_in({"scorecards": cards, "tests": [test]}):
            parts = pointer.removeprefix("/tests/0/").split("/")
            if parts[0] == "events" and len(parts) > 1:
                self._events.mark(int(parts[1]), f"{' '.join(parts[2:])}: {words}")
                if "events" not in self.errors:
                    self.add_error("events", "Please correct the marked events.")
            else:
                name = parts[-1] if parts[0] == "expect" and parts[-1] in self.fields else parts[0]
                self.add_error(name if name in self.fields and name not in self.errors else None, words)


def suggesting(form: type[forms.BaseForm], suggestions: Suggestions) -> type[forms.BaseForm]:
    """Return a form's class with suggestions of its own: classes and their fields are shared between requests."""
    return type(form.__name__, (form,), {"suggestions": suggestions})
