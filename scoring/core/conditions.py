"""Conditions: what an event must look like for a rule to count, compiled once into plain functions.

A condition never raises whatever an event carries: what is missing or of another kind does not match.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import re2

from scoring.core.schema import AllOf, AnyOf, Comparison, Condition, Negation

MATCH_LIMIT = 2_000
"""`matches` looks at this many characters of a value; matching takes time linear in them."""
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
MISSING: Any = object()


class Fields(Protocol):
    """What conditions look at: the parts of an event."""

    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def context(self) -> Mapping[str, Any]: ...


Real = int | float
Predicate = Callable[[Fields, Mapping[str, Any]], bool]
Getter = Callable[[Fields, Mapping[str, Any]], Any]
Test = Callable[[Any], bool]


def compile_condition(condition: Condition) -> Predicate:
    """Return the function of (event, traits now) that says whether the condition holds."""
    if isinstance(condition, AllOf):
        return _all([compile_condition(part) for part in condition.all])
    if isinstance(condition, AnyOf):
        return _any([compile_condition(part) for part in condition.any])
    if isinstance(condition, Negation):
        inner = compile_condition(condition.not_)
        return lambda event, traits: not inner(event, traits)
    get = compile_path(condition.field)
    test = compile_test(condition)
    return lambda event, traits: test(get(event, traits))


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda event, traits: first(event, traits) and second(event, traits)
    return lambda event, traits: all(part(event, traits) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    return lambda event, traits: any(part(event, traits) for part in parts)


def compile_path(path: str) -> Getter:
    """Return the function that finds a field; a null and a field that is not there are both MISSING."""
    root, *keys = path.split(".")
    if len(keys) == 1:
        return _shallow(root, keys[0])

    def get(event: Fields, traits: Mapping[str, Any]) -> Any:
        value: Any = traits if root == "traits" else getattr(event, root)
        for key in keys:
            if not isinstance(value, Mapping):
                return MISSING
            value = value.get(key, MISSING)
        return MISSING if value is None else value

    return get


def _shallow(root: str, key: str) -> Getter:
    def of_traits(_: Fields, traits: Mapping[str, Any]) -> Any:
        value = traits.get(key)
        return MISSING if value is None else value

    def of_properties(event: Fields, _: Mapping[str, Any]) -> Any:
        value = event.properties.get(key)
        return MISSING if value is None else value

    def of_context(event: Fields, _: Mapping[str, Any]) -> Any:
        value = event.context.get(key)
        return MISSING if value is None else value

    return {"traits": of_traits, "properties": of_properties, "context": of_context}[root]


def to_number(value: Any) -> Real | None:
    """Return the number a value is or spells, None for anything else; true and false are not numbers."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) <= 40 and NUMBER.fullmatch(value):
        return int(value) if INTEGER.fullmatch(value) else float(value)
    return None


def to_moment(value: Any) -> datetime | None:
    """Return the moment an RFC 3339 time or date spells (without a zone: UTC), None for anything else."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def compile_test(comparison: Comparison) -> Test:
    """Return the function that tests one found value."""
    op, value = comparison.op, comparison.value
    if op in ORDER:
        return _ordered(op, value)
    if op == "ne":
        equal = _equal((value,))
        return lambda found: not equal(found)
    if op == "exists":
        return (lambda found: found is MISSING) if value is False else (lambda found: found is not MISSING)
    return COMPILERS[op](value if isinstance(value, tuple) else (value,))


def _equal(values: tuple[Any, ...]) -> Test:
    """Text equals text; a number equals a number or text that spells it; true and false equal themselves."""
    texts = frozenset(value for value in values if isinstance(value, str))
    bools = frozenset(value for value in values if isinstance(value, bool))
    written = frozenset(v for v in values if isinstance(v, int | float) and not isinstance(v, bool))
    spelled = written | {number for text in texts if (number := to_number(text)) is not None}

    def equal(found: Any) -> bool:
        if isinstance(found, str):
            return found in texts or (bool(written) and to_number(found) in written)
        if isinstance(found, bool):
            return found in bools
        return isinstance(found, int | float) and found in spelled

    return equal


def _contains(values: tuple[Any, ...]) -> Test:
    equal = _equal(values)
    texts = tuple(value for value in values if isinstance(value, str))

    def contains(found: Any) -> bool:
        if isinstance(found, str):
            return any(text in found for text in texts)
        return isinstance(found, list | tuple) and any(equal(item) for item in found)

    return contains


def _starts_with(values: tuple[Any, ...]) -> Test:
    return lambda found: isinstance(found, str) and found.startswith(values)


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Return the search for a pattern in linear time; ValueError in words when it is not a pattern."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"is not a regular expression that can be searched for: {text}") from error
    except UnicodeEncodeError as error:
        raise ValueError("holds characters that cannot be encoded") from error

    def found(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
            return search(text.encode("utf-8", "replace").decode("utf-8")) is not None

    return found


def _matches(values: tuple[Any, ...]) -> Test:
    search = compile_pattern(values[0])
    return lambda found: isinstance(found, str) and search(found[:MATCH_LIMIT])


COMPILERS: dict[str, Callable[[tuple[Any, ...]], Test]] = {
    "eq": _equal,
    "in": _equal,
    "contains": _contains,
    "starts_with": _starts_with,
    "matches": _matches,
}
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda found, bound: bool(found > bound),
    "gte": lambda found, bound: bool(found >= bound),
    "lt": lambda found, bound: bool(found < bound),
    "lte": lambda found, bound: bool(found <= bound),
}


def _ordered(op: str, value: Any) -> Test:
    """Numbers order as numbers, times as times; anything else is neither above nor below."""
    compare = ORDER[op]
    bound: Any = to_number(value)
    read: Callable[[Any], Any] = to_number
    if bound is None:
        bound, read = to_moment(value), to_moment

    def ordered(found: Any) -> bool:
        known = read(found)
        return known is not None and bound is not None and compare(known, bound)

    return ordered


def trait_keys(condition: Condition | None) -> frozenset[str]:
    """Return the first keys of the traits a condition looks at, which are all a state needs to remember."""
    if isinstance(condition, Comparison):
        root, key = condition.field.split(".")[:2]
        return frozenset({key}) if root == "traits" else frozenset()
    if isinstance(condition, Negation):
        return trait_keys(condition.not_)
    parts = condition.all if isinstance(condition, AllOf) else condition.any if condition is not None else ()
    return frozenset().union(*(trait_keys(part) for part in parts))


def count_comparisons(condition: Condition | None) -> int:
    """Return how many comparisons a condition makes at most, which is what it costs."""
    if condition is None or isinstance(condition, Comparison):
        return int(condition is not None)
    if isinstance(condition, Negation):
        return count_comparisons(condition.not_)
    return sum(count_comparisons(part) for part in (condition.all if isinstance(condition, AllOf) else condition.any))
