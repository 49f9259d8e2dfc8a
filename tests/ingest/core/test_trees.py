"""JSON values that strangers send."""

from typing import Any

import pytest

from ingest.core.trees import TreeRefused, clean_tree


@pytest.mark.parametrize(
    "tree",
    [{}, {"a": None}, {"a": True}, {"a": 2**63 - 1}, {"a": -(2**63)}, {"a": 1.5}, {"a": {"b": 1}}, {"a": [1, "x"]}],
)
def test_what_a_database_can_store_stays_as_it_is(tree: dict[str, Any]) -> None:
    assert clean_tree(tree, max_depth=2) == tree


def test_nul_characters_are_left_out_of_keys_and_values() -> None:
    assert clean_tree({"a\x00": "b\x00c", "d": ["\x00"]}, max_depth=2) == {"a": "bc", "d": [""]}


@pytest.mark.parametrize(
    ("tree", "pointer"),
    [
        ({"a": float("nan")}, "/a"),
        ({"a": float("inf")}, "/a"),
        ({"a": 2**63}, "/a"),
        ({"a": -(2**63) - 1}, "/a"),
        ({"a": 1e30}, "/a"),
        ({"a": {"b": {}}}, "/a/b"),
        ({"a": [1, []]}, "/a/1"),
        ({"a/b": {"c~d": -1e19}}, "/a~1b/c~0d"),
    ],
)
def test_what_one_cannot_store_is_refused_with_a_pointer_to_it(tree: dict[str, Any], pointer: str) -> None:
    with pytest.raises(TreeRefused) as refused:
        clean_tree(tree, max_depth=2)

    assert refused.value.pointer == pointer
