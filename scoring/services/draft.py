"""The draft of a project's rules: the rows people edit, as the tree a ruleset file has, and back.

Both ways are exact: what `replace_draft` stores, `draft_of` returns.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from scoring.core.ruleset import dump_ruleset, dump_value, parse_ruleset
from scoring.core.schema import RulesetSpec, RuleSpec, ScorecardSpec, TestSpec
from scoring.models import Rule, RuleGroup, RulesetTest, Scorecard, Stage

_ABSENT: tuple[object, ...] = (None, "", {}, [])


def draft_of(project_id: UUID) -> RulesetSpec:
    """Return the draft; raise `RulesetInvalid` if it could not be published."""
    return parse_ruleset(draft_tree(project_id))


def draft_tree(project_id: UUID) -> dict[str, Any]:
    """Return the draft as a ruleset tree, valid or not."""
    cards = Scorecard.objects.filter(project=project_id).order_by("position", "name")
    cards = cards.prefetch_related("stages", "groups", "rules__group")
    tests = RulesetTest.objects.filter(project=project_id).order_by("position", "name")
    return {"scorecards": [tree_of_card(card) for card in cards], "tests": [tree_of_test(test) for test in tests]}


def tree_of_card(card: Scorecard) -> dict[str, Any]:
    """Return a scorecard with its stages, groups and rules as a ruleset file has it."""
    return {
        "name": card.name,
        "basis": card.basis,
        "floor": card.floor,
        "cap": card.cap,
        "half_life_days": card.half_life_days,
        "stages": [
            {"name": stage.name, "min": stage.minimum, "hysteresis": stage.hysteresis} for stage in card.stages.all()
        ],
        "groups": [{"name": group.name, "max": group.maximum} for group in card.groups.all()],
        "rules": [tree_of_rule(rule) for rule in card.rules.all()],
    }


def tree_of_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as a ruleset file has it."""
    cap = {"times": rule.cap_times, "per": rule.cap_per, "distinct": rule.cap_distinct or None}
    tree = {
        "name": rule.name,
        "event": _types(rule.event_types),
        "when": rule.when,
        "points": rule.points,
        "cap": None if rule.cap_times is None else cap,
        "expires_after_days": rule.expires_after_days,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        "group": None if rule.group is None else rule.group.name,
    }
    tree = {key: value for key, value in tree.items() if value is not None}
    return tree if rule.active else tree | {"active": False}


def _types(text: str) -> str | list[str]:
    types = text.split()
    return types[0] if len(types) == 1 else types


def tree_of_test(test: RulesetTest) -> dict[str, Any]:
    """Return a test as a ruleset file has it."""
    expect = {"score": test.score, "stage": test.stage, "scorecards": test.elsewhere}
    tree = {"events": test.events, "traits": test.traits, "as_of": test.as_of}
    return {"name": test.name, **_present(tree), "expect": _present(expect)}


def _present(tree: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in tree.items() if value not in _ABSENT}


def replace_draft(project_id: UUID, spec: RulesetSpec) -> None:
    """Make the draft what `spec` says, as a part of the caller's unit of work."""
    Scorecard.objects.filter(project=project_id).delete()
    RulesetTest.objects.filter(project=project_id).delete()
    for position, card in enumerate(spec.scorecards):
        _create_scorecard(project_id, position, card)
    RulesetTest.objects.bulk_create(
        RulesetTest(project_id=project_id, position=position, **_test_fields(test))
        for position, test in enumerate(spec.tests)
    )


def _create_scorecard(project_id: UUID, position: int, card: ScorecardSpec) -> None:
    scorecard = Scorecard.objects.create(
        project_id=project_id,
        name=card.name,
        position=position,
        basis=card.basis,
        floor=card.floor,
        cap=card.cap,
        half_life_days=card.half_life_days,
    )
    Stage.objects.bulk_create(
        Stage(scorecard=scorecard, position=index, name=stage.name, minimum=stage.min, hysteresis=stage.hysteresis)
        for index, stage in enumerate(card.stages)
    )
    groups = RuleGroup.objects.bulk_create(
        RuleGroup(scorecard=scorecard, position=index, name=group.name, maximum=group.max)
        for index, group in enumerate(card.groups)
    )
    by_name = {group.name: group for group in groups}
    Rule.objects.bulk_create(
        Rule(scorecard=scorecard, position=index, group=by_name.get(rule.group or ""), **rule_fields(rule))
        for index, rule in enumerate(card.rules)
    )


def rule_fields(rule: RuleSpec) -> dict[str, Any]:
    """Return the fields of a rule's row, but for its scorecard, group and position."""
    return {
        "name": rule.name,
        "event_types": rule.event if isinstance(rule.event, str) else " ".join(rule.event),
        "when": None if rule.when is None else dump_value(rule.when),
        "points": rule.points,
        "active": rule.active,
        "cap_times": rule.cap.times if rule.cap else None,
        "cap_per": rule.cap.per if rule.cap else Rule.Per.LEAD,
        "cap_distinct": (rule.cap.distinct or "") if rule.cap else "",
        "expires_after_days": rule.expires_after_days,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
    }


def _test_fields(test: TestSpec) -> dict[str, Any]:
    score: Decimal | None = test.expect.score
    return {
        "name": test.name,
        "events": dump_value(test.events),
        "traits": dump_value(test.traits),
        "as_of": test.as_of,
        "score": score,
        "stage": test.expect.stage or "",
        "elsewhere": dump_value(test.expect.scorecards),
    }


def same_ruleset(one: RulesetSpec, other: RulesetSpec) -> bool:
    """Return whether two rulesets are written the same."""
    return dump_ruleset(one) == dump_ruleset(other)


def store_rows(rows: Sequence[Stage] | Sequence[RuleGroup], store: Callable[[], object]) -> None:
    """Run `store`, in which these rows of one scorecard may swap their names and minimums, and store them all.

    They are put aside first, because a swap would meet the unique constraints half-way.
    """
    for number, row in enumerate(rows):
        aside: dict[str, object] = {"name": f"~{row.pk.hex[-12:]}-{number}"}
        if isinstance(row, Stage):
            aside["minimum"] = -number - Decimal(500_000_000)
        type(row)._default_manager.filter(pk=row.pk).update(**aside)
    store()
    for row in rows:
        row.save()


def order_stages(card: Scorecard) -> None:
    """Put a scorecard's stages in the order of their minimums."""
    for position, stage in enumerate(card.stages.order_by("minimum")):
        if stage.position != position:
            Stage.objects.filter(pk=stage.pk).update(position=position)


def next_position(rows: QuerySet[Any]) -> int:
    """Return the place after the last of these rows."""
    last = rows.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1
