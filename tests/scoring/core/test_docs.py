"""Every example of docs/scoring.md does what the page says."""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring.core.engine import Entry, ScorableEvent
from scoring.core.ruleset import parse_ruleset
from scoring.core.simulate import simulate

PAGE = Path(__file__).parents[3] / "docs" / "scoring.md"
EXAMPLES = re.findall(r"^```yaml example\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def moment(value: date | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else datetime.combine(value, time(), UTC)


def read_event(index: int, tree: dict[str, Any]) -> ScorableEvent:
    return ScorableEvent(
        key=str(index),
        event_id=str(index),
        event_type=tree["type"],
        occurred_at=moment(tree["at"]),
        properties=tree.get("properties", {}),
        traits=tree.get("traits", {}),
    )


def write_row(entry: Entry) -> tuple[datetime, float, float, str, str | None]:
    refused = next((hit.refused for hit in entry.rules if hit.refused), None)
    return entry.occurred_at, float(entry.delta), float(entry.new_score), entry.new_stage, refused


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_the_ledger_it_shows(example: str) -> None:
    tree = yaml.safe_load(example)
    events = [read_event(index, event) for index, event in enumerate(tree["events"])]
    until = moment(tree["until"]) if "until" in tree else None

    found = simulate(parse_ruleset(tree["rules"]), events, as_of=until).entries

    assert [write_row(entry) for entry in found] == [
        (moment(row["at"]), row["delta"], row["score"], row["stage"], row.get("refused")) for row in tree["ledger"]
    ]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 8
