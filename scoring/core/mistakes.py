"""What is wrong with a ruleset, in words and with a JSON pointer for each mistake.

`find_mistakes` checks what concerns several values at once; one value alone is checked by the schema.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeGuard

from pydantic import ValidationError

from scoring.core.conditions import compile_pattern, to_moment, to_number
from scoring.core.points import in_words
from scoring.core.schema import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Negation,
    RulesetSpec,
    RuleSpec,
    ScorecardSpec,
)

MAX_DEPTH = 8
MAX_NODES = 200
MAX_TREE_DEPTH = 40
MAX_TREE_NODES = 500_000

UNPAIRED = re.compile("[\ud800-\udfff]")

Mistake = tuple[str, str]

EMPTY = "must not be empty"
WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_too_short": "must not be empty",
    "timezone_aware": "needs a time zone, like 2026-01-01T00:00:00Z",
    "datetime_parsing": "must be a time with a time zone, like 2026-01-01T00:00:00Z",
    "datetime_from_date_parsing": "must be a time with a time zone, like 2026-01-01T00:00:00Z",
}
PATTERNS = {
    "event": "must be an event type (letters, digits and _, at most 64), a list of them, or *",
    "field": "must be a path that begins with properties., traits. or context.",
    "distinct": "must be a path that begins with properties., traits. or context.",
}


class RulesetInvalid(ValueError):
    """A ruleset that cannot be used; `errors` holds a JSON pointer and words for every mistake."""

    def __init__(self, errors: list[Mistake]) -> None:
        super().__init__("; ".join(f"{pointer or '/'} {detail}" for pointer, detail in errors[:5]))
        self.errors = errors


def pointer_to(*steps: str | int) -> str:
    """Return the RFC 6901 JSON pointer of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


_KINDS = {"scorecards": "scorecard", "rules": "rule", "stages": "stage", "groups": "group", "tests": "test"}
_FIELDS = {
    "min": "minimum",
    "max": "maximum",
    "when": "condition",
    "event": "event types",
    "half_life_days": "half-life",
    "expires_after_days": "expiry",
    "valid_from": "valid from",
    "valid_to": "valid to",
}


def mistake_in_words(pointer: str, detail: str, tree: object) -> str:
    """Return a mistake as a sentence that names the scorecard, rule or test by its name."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    words: list[str] = []
    while steps:
        step = steps.pop(0)
        tree = _child(tree, int(step) if step.isdigit() and isinstance(tree, list | tuple) else step)
        if step in _KINDS and steps and isinstance(tree, list | tuple):
            index = int(steps.pop(0))
            tree = _child(tree, index)
            name = _child(tree, "name")
            words.append(
                f"{_KINDS[step]} “{name}”" if isinstance(name, str) and name else f"{_KINDS[step]} {index + 1}"
            )
        elif step == "when":
            words.append("condition")
            break
        else:
            words.append(_FIELDS.get(step, step) if not step.isdigit() else f"number {int(step) + 1}")
    place = ", ".join(words) or "the ruleset"
    return f"{place[0].upper()}{place[1:]}: {detail}."


def measure(data: object) -> list[Mistake]:
    """Return why a tree is not to be looked at any further: too deep, too large, or not storable everywhere."""
    level: list[tuple[Steps, object]] = [((), data)]
    seen = 0
    unstorable: list[Mistake] = []
    for _ in range(MAX_TREE_DEPTH):
        seen += len(level)
        if seen > MAX_TREE_NODES:
            return [("", "is too large")]
        unstorable += [(pointer_to(*steps), detail) for steps, node in level if (detail := _unstorable(node))]
        level = [((*steps, step), child) for steps, node in level for step, child in _children(node)]
        if not level:
            return unstorable
    return [("", "is nested too deeply")]


Steps = tuple[str | int, ...]


def _unstorable(node: object) -> str | None:
    """Say what PostgreSQL's JSON refuses, so that a ruleset means the same on every database."""
    if isinstance(node, float) and not math.isfinite(node):
        return "must be a finite number"
    texts = [node] if isinstance(node, str) else [key for key in node if isinstance(key, str)] if _is_map(node) else []
    if any("\x00" in text or UNPAIRED.search(text) for text in texts):
        return "holds a character that cannot be stored"
    return None


def _is_map(node: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(node, Mapping)


def _children(node: object) -> Iterable[tuple[str | int, object]]:
    if _is_map(node):
        return ((str(key), child) for key, child in node.items())
    return enumerate(node) if isinstance(node, list | tuple) else ()


def from_validation(error: ValidationError, data: object) -> list[Mistake]:
    """Return pydantic's findings as mistakes, one for each place."""
    mistakes: dict[str, str] = {}
    for found in error.errors(include_url=False, include_input=False, include_context=True):
        steps = _steps(found["loc"], data, keep_last=found["type"] == "missing")
        mistakes.setdefault(pointer_to(*steps), _detail(found, steps))
    # A list whose items are wrong is also reported as empty, or as no text where it may be either; it is neither.
    inner = [pointer for pointer in mistakes if pointer.count("/") > 1]
    return [
        (pointer, detail)
        for pointer, detail in mistakes.items()
        if detail not in {EMPTY, WORDS["string_type"]} or not any(other.startswith(f"{pointer}/") for other in inner)
    ]


def _steps(loc: tuple[int | str, ...], data: object, *, keep_last: bool) -> list[int | str]:
    """Keep of a location what is in the data: pydantic adds the names of the branches it tried."""
    steps: list[int | str] = []
    for index, step in enumerate(loc):
        child = _child(data, step)
        if child is not _NOTHING:
            data = child
        elif not (keep_last and index == len(loc) - 1):
            continue
        steps.append(step)
    return steps


_NOTHING: Any = object()


def _child(node: object, step: int | str) -> object:
    if isinstance(node, Mapping):
        return node.get(step, _NOTHING)
    if isinstance(node, list | tuple) and isinstance(step, int):
        return node[step] if step < len(node) else _NOTHING
    return _NOTHING


def _detail(found: Mapping[str, Any], steps: list[int | str]) -> str:
    kind, context = found["type"], found.get("ctx") or {}
    field = next((step for step in reversed(steps) if isinstance(step, str)), "")
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(field, "must not begin or end with a space, nor hold control characters")
    if kind == "string_too_long":
        return f"may have at most {context['max_length']} characters"
    if kind == "too_long":
        return f"may have at most {context['max_length']} items"
    if kind == "too_short":
        return EMPTY
    if kind == "literal_error":
        return f"must be {context['expected']}"
    bounds = {"greater_than_equal": "ge", "less_than_equal": "le"}
    if kind in bounds:
        word = "at least" if kind == "greater_than_equal" else "at most"
        return f"must be {word} {context[bounds[kind]]}"
    return WORDS.get(kind) or str(found["msg"])


def find_mistakes(spec: RulesetSpec) -> list[Mistake]:
    """Return what is wrong between the parts of a ruleset whose parts are right by themselves."""
    mistakes = list(_repeated((card.name for card in spec.scorecards), "scorecards"))
    for index, card in enumerate(spec.scorecards):
        mistakes += [
            (f"/scorecards/{index}{pointer}", detail)
            for check in (_check_bounds, _check_stages, _check_names, _check_rules)
            for pointer, detail in check(card)
        ]
    names = {card.name for card in spec.scorecards}
    for index, test in enumerate(spec.tests):
        for name in test.expect.scorecards:
            if name not in names:
                mistakes.append(
                    (
                        pointer_to("tests", index, "expect", "scorecards", name),
                        "is not a scorecard of this ruleset",
                    )
                )
    return mistakes


def _repeated(names: Iterable[str], where: str) -> Iterator[Mistake]:
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        seen[name] += 1
        if seen[name] == 2:
            yield pointer_to(where, index, "name"), f"“{name}” is there already; names must differ"


def _check_bounds(card: ScorecardSpec) -> Iterator[Mistake]:
    if card.cap < card.floor:
        yield "/cap", f"must not be below the floor of {in_words(card.floor)}"
    if card.basis == "traits" and card.half_life_days is not None:
        yield "/half_life_days", "does not go with basis traits, whose score follows the traits alone"


def _check_stages(card: ScorecardSpec) -> Iterator[Mistake]:
    ordered = sorted(enumerate(card.stages), key=lambda pair: pair[1].min)
    lowest, stage = ordered[0]
    if stage.min > card.floor:
        yield (
            pointer_to("stages", lowest, "min"),
            f"must not be above the floor of {in_words(card.floor)}, or some scores would have no stage",
        )
    for (_, below), (index, above) in pairwise(ordered):
        if above.min == below.min:
            yield pointer_to("stages", index, "min"), f"stage “{below.name}” begins at the same score"


def _check_names(card: ScorecardSpec) -> Iterator[Mistake]:
    yield from _repeated((stage.name for stage in card.stages), "stages")
    yield from _repeated((group.name for group in card.groups), "groups")
    yield from _repeated((rule.name for rule in card.rules), "rules")


def _check_rules(card: ScorecardSpec) -> Iterator[Mistake]:
    groups = {group.name for group in card.groups}
    for index, rule in enumerate(card.rules):
        at = f"/rules/{index}"
        if rule.group is not None and rule.group not in groups:
            yield f"{at}/group", f"“{rule.group}” is not one of this scorecard's groups"
        if rule.valid_from and rule.valid_to and rule.valid_to <= rule.valid_from:
            yield f"{at}/valid_to", "must be after valid_from"
        if isinstance(rule.event, tuple) and len(set(rule.event)) < len(rule.event):
            yield f"{at}/event", "names an event type twice"
        elif isinstance(rule.event, tuple) and "*" in rule.event:
            yield f"{at}/event", "* stands alone: it already means every type"
        if card.basis == "traits":
            yield from ((at + pointer, detail) for pointer, detail in _check_trait_rule(rule))
        if rule.when is not None:
            yield from _check_condition(rule.when, f"{at}/when", only_traits=card.basis == "traits")


def _check_trait_rule(rule: RuleSpec) -> Iterator[Mistake]:
    reason = "does not go with basis traits, whose score follows the traits alone"
    if rule.event != "*":
        yield "/event", reason
    for name in ("cap", "expires_after_days", "group"):
        if getattr(rule, name) is not None:
            yield f"/{name}", reason


def _check_condition(root: Condition, at: str, *, only_traits: bool) -> Iterator[Mistake]:
    todo: list[tuple[Condition, str, int]] = [(root, at, 1)]
    nodes = 0
    while todo:
        condition, pointer, depth = todo.pop()
        nodes += 1
        if nodes > MAX_NODES:
            yield at, f"may have at most {MAX_NODES} parts"
            return
        if depth > MAX_DEPTH:
            yield at, f"may be at most {MAX_DEPTH} levels deep"
            return
        if isinstance(condition, Comparison):
            yield from ((pointer + rest, detail) for rest, detail in _check_comparison(condition))
            if only_traits and not condition.field.startswith("traits."):
                yield f"{pointer}/field", "must begin with traits. on a scorecard with basis traits"
        todo += [(part, pointer + rest, depth + 1) for part, rest in _parts(condition)]


def _parts(condition: Condition) -> list[tuple[Condition, str]]:
    if isinstance(condition, AllOf):
        return [(part, f"/all/{index}") for index, part in enumerate(condition.all)]
    if isinstance(condition, AnyOf):
        return [(part, f"/any/{index}") for index, part in enumerate(condition.any)]
    return [(condition.not_, "/not")] if isinstance(condition, Negation) else []


def _check_comparison(comparison: Comparison) -> Iterator[Mistake]:
    op, value = comparison.op, comparison.value
    if value is None:
        if op != "exists":
            yield "/value", "is required"
        return
    if op == "in":
        if not isinstance(value, tuple):
            yield "/value", "must be a list"
    elif op == "starts_with":
        parts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(part, str) for part in parts):
            yield "/value", "must be text or a list of texts"
    elif isinstance(value, tuple):
        yield "/value", f"must be a single value; a list goes with in and starts_with, not with {op}"
    else:
        yield from _check_single(op, value)


def _check_single(op: str, value: Any) -> Iterator[Mistake]:
    if op == "exists" and not isinstance(value, bool):
        yield "/value", "must be true or false"
    elif op == "matches":
        if not isinstance(value, str):
            yield "/value", "must be a regular expression"
            return
        try:
            compile_pattern(value)
        except ValueError as error:
            yield "/value", str(error)
    elif op in {"gt", "gte", "lt", "lte"} and to_number(value) is None and to_moment(value) is None:
        yield "/value", "must be a number, or a time like 2026-01-01T00:00:00Z"
