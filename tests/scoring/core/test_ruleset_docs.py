"""Every ruleset that the documentation shows is one, passes its own tests, and every field is explained."""

import re
from pathlib import Path
from typing import get_args

import pytest

from scoring.core.condition_rows import OPERATORS
from scoring.core.ruleset_file import read_ruleset
from scoring.core.schema import CapSpec, GroupSpec, Operator, RuleSpec, ScorecardSpec, StageSpec, TestSpec
from scoring.core.simulate import run_tests

DOCS = Path(__file__).parents[3] / "docs"
HOWTO = (DOCS / "howto" / "rules.md").read_text()
REFERENCE = (DOCS / "reference" / "ruleset.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", HOWTO + REFERENCE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_ruleset_of_the_docs_is_read_and_passes_its_tests(block: str) -> None:
    assert run_tests(read_ruleset(block)) == []


def test_there_are_rulesets_in_the_docs() -> None:
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("spec", [ScorecardSpec, StageSpec, GroupSpec, RuleSpec, CapSpec, TestSpec])
def test_every_field_is_in_the_reference(spec: type) -> None:
    fields = vars(spec)["__pydantic_fields__"]

    assert [name for name in fields if f"`{name}`" not in REFERENCE] == []


def test_every_operator_is_in_the_docs() -> None:
    assert [op for op in get_args(Operator) if f"`{op}`" not in REFERENCE] == []
    assert [words for words in OPERATORS.values() if words not in HOWTO] == []
