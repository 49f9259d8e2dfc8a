"""What is known of a lead: the same, whatever order its events arrive in."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core import profile
from ingest.core.profile import MAX_TRAITS, Profile, learn

START = datetime(2026, 1, 1, tzinfo=UTC)
Told = tuple[int, str, dict[str, Any]]

names = st.sampled_from(["name", "email", "company", "first_name", "plan"])
values = st.none() | st.integers(0, 3) | st.sampled_from(["Ada", "ada@example.com", ""])
tellings = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from("abcdefgh"), st.dictionaries(names, values, max_size=3)),
    max_size=8,
    unique_by=lambda told: told[1],
)


def profile_of(tellings: list[Told], *, start: Profile | None = None) -> Profile:
    known = start or Profile(traits={}, clock={})
    for seconds, event_id, traits in tellings:
        known = learn(known, traits, occurred_at=START + timedelta(seconds=seconds), event_id=event_id)
    return known


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.data(), tellings)
def test_any_order_of_arrival_gives_the_same_profile(data: st.DataObject, told: list[Told]) -> None:
    assert profile_of(data.draw(st.permutations(told))) == profile_of(told)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(tellings)
def test_what_is_told_twice_changes_nothing(told: list[Told]) -> None:
    once = profile_of(told)

    assert profile_of(told, start=once) == once


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.data(), st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, 9), max_size=4)), max_size=8))
def test_any_order_of_arrival_gives_the_same_also_when_there_are_too_many_traits(
    data: st.DataObject, told: list[tuple[int, set[int]]]
) -> None:
    many: list[Told] = [(when, f"e{n}", {f"trait{key}": n for key in keys}) for n, (when, keys) in enumerate(told)]
    with _room_for(3):
        assert profile_of(data.draw(st.permutations(many))) == profile_of(many)


class _room_for:  # noqa: N801  (reads as a sentence)
    def __init__(self, traits: int) -> None:
        self.traits = traits

    def __enter__(self) -> None:
        profile.MAX_TRAITS = self.traits

    def __exit__(self, *_: object) -> None:
        profile.MAX_TRAITS = MAX_TRAITS


def test_the_traits_that_were_set_last_are_kept() -> None:
    known = profile_of([(n, f"e{n}", {f"trait{n}": n}) for n in range(MAX_TRAITS + 5)])

    assert len(known.traits) == len(known.clock) == MAX_TRAITS
    assert set(known.traits.values()) == set(range(5, MAX_TRAITS + 5))


def test_the_later_event_wins_and_among_events_of_one_moment_the_greater_id() -> None:
    told: list[Told] = [(2, "a", {"plan": "late"}), (1, "z", {"plan": "early"}), (2, "b", {"plan": "last"})]

    assert profile_of(told).traits == {"plan": "last"}


def test_a_trait_that_is_set_to_null_is_forgotten_and_an_earlier_event_does_not_bring_it_back() -> None:
    assert profile_of([(2, "b", {"plan": None}), (1, "a", {"plan": "pro"})]).traits == {}


def test_a_profile_shows_a_name_an_address_and_a_company() -> None:
    shown = [
        Profile(traits={"name": " Ada "}, clock={}).name,
        Profile(traits={"firstName": "Ada", "last_name": "Lovelace"}, clock={}).name,
        Profile(traits={"email": "ADA@example.com"}, clock={}).email,
        Profile(traits={"company": {"name": "Engines"}}, clock={}).company,
    ]

    assert shown == ["Ada", "Ada Lovelace", "ada@example.com", "Engines"]


def test_traits_of_the_wrong_kind_show_as_nothing() -> None:
    odd = Profile(traits={"name": 5, "email": ["x"], "company": {"name": None}, "first_name": {}}, clock={})

    assert (odd.name, odd.email, odd.company) == ("", "", "")


def test_clocks_of_one_trait_only_ever_move_forward() -> None:
    told: list[Told] = [(when, f"e{when}", {"plan": when}) for when in (3, 1, 4, 1, 5, 9, 2, 6)]
    clocks = [profile_of(told[: count + 1]).clock["plan"] for count in range(len(told))]

    assert all(before <= after for before, after in pairwise(clocks))
