"""What a condition holds for."""

from typing import Any

import pytest

from scoring.core.conditions import compile_condition
from scoring.core.schema import Comparison
from tests.scoring.core.build import event


def holds(op: str, value: Any, found: Any) -> bool:
    comparison = Comparison.model_validate({"field": "properties.x", "op": op, "value": value})
    properties = {} if found is ... else {"x": found}
    return compile_condition(comparison)(event(properties=properties), {})


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        ("eq", "a", "a"),
        ("eq", 12, "12"),
        ("eq", "12", 12),
        ("eq", 12, 12.0),
        ("eq", True, True),
        ("ne", "a", "b"),
        ("ne", "a", ...),
        ("in", ["a", 3], "3"),
        ("contains", "ric", "/pricing"),
        ("contains", "a", ["b", "a"]),
        ("starts_with", "/p", "/pricing"),
        ("starts_with", ["/a", "/p"], "/pricing"),
        ("matches", "^/p.*g$", "/pricing"),
        ("matches", "a", "\ud800a"),
        ("gt", 9, "10"),
        ("lte", "2.5", 2.5),
        ("gt", "2026-01-01T00:00:00Z", "2026-01-01T01:30:00+01:00"),
        ("lt", "2026-01-02", "2026-01-01"),
        ("exists", True, ""),
        ("exists", False, ...),
        ("exists", False, None),
    ],
)
def test_it_holds(op: str, value: Any, found: Any) -> None:
    assert holds(op, value, found)


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        ("eq", "a", ...),
        ("eq", 1, True),
        ("eq", True, 1),
        ("eq", 10, "1_0"),
        ("eq", "a", ["a"]),
        ("in", ["a"], None),
        ("contains", "a", {"a": 1}),
        ("starts_with", "1", 12),
        ("matches", "1", 1),
        ("gt", 1, "nan"),
        ("gt", 1, True),
        ("gt", 1, float("nan")),
        ("lt", 5, ...),
        ("gt", "2026-01-01T00:00:00Z", "soon"),
        ("exists", True, None),
    ],
)
def test_it_does_not_hold(op: str, value: Any, found: Any) -> None:
    assert not holds(op, value, found)


def test_a_path_leads_through_objects_only() -> None:
    condition = compile_condition(Comparison(field="context.page.path", op="eq", value="/"))

    assert condition(event(context={"page": {"path": "/"}}), {})
    assert not condition(event(context={"page": ["path"]}), {})
    assert not condition(event(context={"page": None}), {})
