"""Conditions can be edited as rows, and nothing of a condition is lost by it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.core.condition_rows import (
    Kept,
    Row,
    Rows,
    close_condition,
    close_row,
    condition_in_words,
    is_blank,
    open_condition,
)
from scoring.core.conditions import compile_condition
from scoring.core.ruleset import dump_value, parse_ruleset
from scoring.core.typed import read_value, write_value
from tests.properties.rulesets import conditions
from tests.scoring.core.build import event

FIELDS = ["properties.a", "traits.plan"]
PATH = {"field": "properties.path", "op": "starts_with", "value": "/pricing"}


def leaf(**fields: Any) -> dict[str, Any]:
    return {"field": "properties.a", "op": "eq", "value": 1} | fields


def spec_of(tree: Any) -> Any:
    rule = {"name": "R", "points": 1, "when": tree}
    return parse_ruleset({"scorecards": [{"name": "A", "rules": [rule]}]}).scorecards[0].rules[0].when


@given(
    tree=conditions(FIELDS),
    properties=st.dictionaries(st.just("a"), st.sampled_from(["a", "ab", "12", 12, 3, True, "plan", ["a"]])),
    traits=st.dictionaries(st.just("plan"), st.sampled_from(["a", 12, False, "b"])),
)
def test_opened_and_closed_a_condition_means_the_same(
    tree: dict[str, Any], properties: dict[str, Any], traits: dict[str, Any]
) -> None:
    tree = dump_value(spec_of(tree))
    closed = close_condition(open_condition(tree)).tree

    happened = event(properties=properties)
    assert compile_condition(spec_of(closed))(happened, traits) == compile_condition(spec_of(tree))(happened, traits)


@given(value=st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_a_value_that_can_be_typed_is_read_as_itself(value: Any) -> None:
    typed = write_value(value, flags=True)

    if typed is not None:
        read = read_value(typed, flags=True)
        assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("tree", "row"),
    [
        (PATH, Row(field="properties.path", op="starts_with", value="/pricing")),
        ({"not": leaf(value="12")}, Row(field="properties.a", value='"12"', negated=True)),
        (leaf(op="in", value=["a b", 5, "5"]), Row(field="properties.a", op="in", value='a b\n5\n"5"')),
        (leaf(value=True), Row(field="properties.a", op="true")),
        (leaf(op="exists", value=False), Row(field="properties.a", op="missing")),
        (leaf(value=" a "), Row(field="properties.a", value='" a "')),
        (leaf(op="gte", value=2.5), Row(field="properties.a", op="gte", value="2.5")),
        (leaf(op="matches", value="^a|b$"), Row(field="properties.a", op="matches", value="^a|b$")),
    ],
)
def test_a_comparison_is_a_row(tree: dict[str, Any], row: Row) -> None:
    assert open_condition(tree) == Rows(rows=(row,))
    assert close_row(row) == tree


@pytest.mark.parametrize(
    "tree",
    [
        leaf(value="two\nlines"),
        leaf(op="in", value=[True]),
        leaf(op="contains", value=5),
        {"not": {"not": leaf()}},
    ],
)
def test_what_cannot_be_typed_is_kept(tree: dict[str, Any]) -> None:
    opened = open_condition(tree)

    assert opened == Rows(kept=(Kept.of(tree),))
    assert close_condition(opened).tree == tree


def test_a_group_in_a_group_is_kept_inside_its_group() -> None:
    deep = {"all": [leaf(), {"any": [leaf(value=2), {"all": [leaf(value=3), leaf(value=4)]}]}]}

    (group,) = open_condition(deep).groups

    assert group.rows == (Row(field="properties.a", value="2"),)
    assert [kept.words for kept in group.kept] == ["properties.a is 3 and properties.a is 4"]


def test_every_row_knows_its_place_in_the_condition() -> None:
    tree = {"any": [leaf(), {"not": leaf()}, {"not": {"all": [leaf(), {"not": leaf()}]}}]}

    closed = close_condition(open_condition(tree))

    assert closed.places == {
        "/any/0": (None, 0),
        "/any/1": (None, 1),
        "/any/2/not/all/0": (0, 0),
        "/any/2/not/all/1": (0, 1),
    }
    assert json.dumps(closed.tree) == json.dumps(tree)


def test_empty_rows_say_nothing() -> None:
    assert close_condition(Rows(rows=(Row(field=" "), Row(field="")))).tree is None
    assert not is_blank(Row(field="", value="x"))


def test_a_condition_is_told_in_words() -> None:
    tree = {"all": [PATH, {"not": leaf(value="internal")}, {"any": [leaf(op="in", value=["a", 5]), leaf(op="exists")]}]}

    assert condition_in_words(tree) == (
        "properties.path starts with “/pricing” and not (properties.a is “internal”) and "
        "(properties.a is one of “a” or 5 or properties.a is known)"
    )
