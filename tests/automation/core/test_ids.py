from hypothesis import given
from hypothesis import strategies as st

from automation.core.ids import derived_id
from ingest.ids import new_id


@given(place=st.integers(0, 4095), part=st.text())
def test_a_derived_id_is_a_uuid_v7_of_its_origins_millisecond(place: int, part: str) -> None:
    origin = new_id()

    derived = derived_id(origin, part, place=place)

    assert (derived.version, derived.variant) == (7, origin.variant)
    assert derived.int >> 80 == origin.int >> 80
    assert derived == derived_id(origin, part, place=place)


@given(parts=st.lists(st.text("ab", max_size=2), min_size=2, max_size=2, unique=True))
def test_different_parts_give_different_ids(parts: list[str]) -> None:
    origin = new_id()

    assert derived_id(origin, *parts) != derived_id(origin, *reversed(parts))


def test_ids_of_one_origin_sort_by_place() -> None:
    origin = new_id()

    ids = [derived_id(origin, str(place), place=place) for place in range(100)]

    assert ids == sorted(ids)
