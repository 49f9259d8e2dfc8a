"""Which queue works on which lead: the same for ever, each slot in one place, few moves when queues change."""

from uuid import UUID

import pytest
from pytest_django import Settings

from ingest.slots import SLOTS, slot_of
from scoring import routing


def owners(queues: int) -> dict[int, str]:
    return {slot: queue for queue, slots in routing._slots_by_queue(queues).items() for slot in slots}


@pytest.mark.parametrize(
    ("lead", "slot"),
    [
        ("00000000-0000-0000-0000-000000000000", 76),
        ("01a20c4f-5d3d-74d6-abc1-bb95b5e65fa5", 197),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 123),
    ],
)
def test_the_slot_of_a_lead_never_changes(lead: str, slot: int) -> None:
    assert slot_of(UUID(lead)) == slot


def test_the_queue_of_a_slot_never_changes(settings: Settings) -> None:
    settings.LEAD_QUEUES = 4

    assert [routing.queues_of([slot]) for slot in (0, 1, 2, 3, 254, 255)] == [
        {"leads.1"},
        {"leads.0"},
        {"leads.3"},
        {"leads.0"},
        {"leads.1"},
        {"leads.1"},
    ]


@pytest.mark.parametrize("queues", [1, 2, 8, 31, 256])
def test_each_slot_has_exactly_one_queue(queues: int) -> None:
    slots = [slot for owned in routing._slots_by_queue(queues).values() for slot in owned]

    assert sorted(slots) == list(range(SLOTS))


@pytest.mark.parametrize("queues", [2, 4, 8, 16])
def test_one_queue_more_moves_few_slots_and_only_to_the_new_one(queues: int) -> None:
    before, after = owners(queues), owners(queues + 1)

    moved = [slot for slot in range(SLOTS) if before[slot] != after[slot]]

    assert {after[slot] for slot in moved} == {f"leads.{queues}"}
    assert len(moved) <= 2 * SLOTS / (queues + 1)


def test_leads_spread_over_the_queues() -> None:
    assert max(map(len, routing._slots_by_queue(8).values())) <= 1.2 * SLOTS / 8


def test_a_queue_that_is_no_more_works_on_nothing(settings: Settings) -> None:
    settings.LEAD_QUEUES = 2

    assert routing.slots_of("leads.7") == ()
    assert routing.queues() == ("leads.0", "leads.1")
