"""A ruleset file is read safely, and every mistake is told with its line."""

import pytest

from scoring.core.ruleset import dump_ruleset
from scoring.core.ruleset_file import MAX_BYTES, FileInvalid, read_ruleset, write_ruleset

FILE = """\
scorecards:
  - name: Engagement
    rules:
      - name: Pricing page
        event: page_view
        when:
          all:
            - {field: properties.path, op: starts_with, value: /pricing}
            - {not: {field: context.campaign.source, op: eq, value: 'no'}}
        points: 15
        valid_from: 2026-01-01T00:00:00Z
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(FileInvalid) as invalid:
        read_ruleset(text)
    return [str(mistake) for mistake in invalid.value.mistakes]


def test_a_file_is_written_as_it_was_read() -> None:
    assert write_ruleset(dump_ruleset(read_ruleset(FILE))) == FILE


def test_every_mistake_is_told_with_its_line() -> None:
    text = (
        FILE.replace("points: 15", "points: lots")
        .replace("op: starts_with", "op: begins")
        .replace("name: Eng", "nom: Eng")
    )

    assert mistakes(text) == [
        "line 2: /scorecards/0/name is required",
        "line 2: /scorecards/0/nom is not known here",
        (
            "line 8: /scorecards/0/rules/0/when/all/0/op must be 'eq', 'ne', 'in', 'contains', 'starts_with', "
            "'matches', 'gt', 'gte', 'lt', 'lte' or 'exists'"
        ),
        "line 10: /scorecards/0/rules/0/points must be a number",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: must be an object"),
        ("scorecards: [", "line 1: is not YAML: "),
        ("a: &x 1\nb: *x", "line 1: anchors and aliases are not used"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("\n\na: !!binary aGk=", "line 3: the tag tag:yaml.org,2002:binary is not used"),
        ("a: 1\na: 2", "line 2: “a” is there already"),
        ("? [a]\n: 1", "line 1: a name must be plain text"),
        ("a: 1\n---\nb: 2", "line 2: is not YAML: but found another document"),
        ("a: 1\nb: \x07", "line 2: holds a character that YAML does not allow"),
        ("[" * 100_000, "line 1: is nested too deeply"),
        ("a: " + "1" * 5_000, "line 1: is too long a number"),
        ("scorecards: .nan", "line 1: /scorecards must be a finite number"),
        ("#" * (MAX_BYTES + 1), "line 1: the file is larger than 4 MB"),
    ],
)
def test_a_hostile_file_is_refused_in_a_sentence(text: str, told: str) -> None:
    assert mistakes(text)[0].startswith(told)


@pytest.mark.parametrize("text", ["no", "yes", "on", "12:30:00", "2026-01-01", "=", "<<"])
def test_words_that_older_yaml_takes_for_something_else_are_text(text: str) -> None:
    spec = read_ruleset(FILE.replace("/pricing}", f"{text}}}"))

    condition = dump_ruleset(spec)["scorecards"][0]["rules"][0]["when"]["all"][0]
    assert condition["value"] == text
