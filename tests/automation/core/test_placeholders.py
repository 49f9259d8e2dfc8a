import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.core.placeholders import NAMES, fill, one_line, unknown_placeholders


@pytest.mark.parametrize("name", ["leed", "lead.owner", "0", "lead!r", "score:>10", "__class__", ""])
def test_only_named_placeholders_are_known(name: str) -> None:
    assert unknown_placeholders(f"Dear {{{name}}}") == [name]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_filled_in(name: str) -> None:
    assert unknown_placeholders(f"{{{name}}}") == []
    assert fill(f"<{{{name}}}>", {name: "x"}) == "<x>"


def test_a_value_is_not_filled_in_again() -> None:
    assert fill("{lead}{email}", {"lead": "{email}", "email": "a@b.c"}) == "{email}a@b.c"


@given(st.text())
def test_one_line_is_fit_for_a_header_whatever_the_text(text: str) -> None:
    line = one_line(text)

    assert line.splitlines() in ([], [line])
    assert all(character.isprintable() for character in line)
    assert len(line) <= 200
