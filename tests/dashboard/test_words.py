"""How points and times are written."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from leadscore.templatetags.dashboard import ago, direction, in_words, plainly, points, signed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [("75.00", "75"), ("12.50", "12.5"), ("-20", "−20"), ("10000", "10,000"), ("100", "100"), ("0", "0")],
)
def test_points_have_no_needless_zeros(value: str, words: str) -> None:
    assert points(Decimal(value)) == words


@pytest.mark.parametrize(("value", "words"), [(15, "+15"), (-20.5, "−20.5"), (0, "±0"), ("0.00", "±0"), (None, "–")])
def test_changes_have_a_sign(value: float | str | None, words: str) -> None:
    assert signed(value) == words


def test_the_colour_of_a_change_is_its_direction() -> None:
    assert [direction(value) for value in (5, -5, 0, None)] == ["up", "down", "soft", "soft"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (44, "just now"),
        (45, "1 min ago"),
        (150, "2 min ago"),
        (7300, "2 h ago"),
        (200_000, "2 d ago"),
        (-100, "in 1 min"),
    ],
)
def test_times_are_told_from_now(seconds: int, words: str) -> None:
    assert in_words(NOW - timedelta(seconds=seconds), now=NOW) == words


def test_a_time_shows_the_moment_in_the_time_zone_of_the_project_on_hover() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert "13:00:00 CET" in ago(NOW)


def test_traits_are_written_as_people_and_clients_write_them() -> None:
    values: list[object] = ["Köln", 12, True, None, {"city": "Köln"}]

    assert [plainly(value) for value in values] == ["Köln", "12", "true", "null", '{"city": "Köln"}']


def test_what_never_happened_is_said_so() -> None:
    assert ago(None) == "never"
