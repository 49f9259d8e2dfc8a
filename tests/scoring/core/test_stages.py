"""Which crossings fire: every one of an in-order batch, and after a refold only what leads to the present."""

from decimal import Decimal
from itertools import pairwise

from scoring.core.engine import Entry
from scoring.core.stages import stage_path
from tests.scoring.core.build import at


def chain(*stages: str) -> list[Entry]:
    return [
        Entry(
            scorecard="Engagement",
            sequence=index,
            kind="event",
            event_key=str(index),
            event_id=str(index),
            event_type="view",
            occurred_at=at(index),
            delta=Decimal(0),
            old_score=Decimal(0),
            new_score=Decimal(0),
            old_stage=old,
            new_stage=new,
            rules=(),
            ruleset_version=1,
        )
        for index, (old, new) in enumerate(pairwise(stages))
    ]


def path(before: str, *stages: str, in_order: bool) -> list[tuple[str, str, int]]:
    crossings = stage_path(before, chain(*stages), in_order=in_order)
    return [(crossing.old, crossing.new, crossing.entry.sequence) for crossing in crossings]


def test_every_crossing_of_an_in_order_batch_fires() -> None:
    assert path("cold", "cold", "warm", "warm", "cold", "hot", in_order=True) == [
        ("cold", "warm", 0),
        ("warm", "cold", 2),
        ("cold", "hot", 3),
    ]


def test_a_refold_that_ends_where_the_lead_stood_fires_nothing() -> None:
    assert path("hot", "cold", "warm", "hot", in_order=False) == []


def test_a_refold_fires_the_path_from_where_the_lead_stood() -> None:
    assert path("warm", "cold", "warm", "hot", "qualified", in_order=False) == [
        ("warm", "hot", 1),
        ("hot", "qualified", 2),
    ]


def test_a_refold_takes_the_last_time_the_lead_left_its_stage() -> None:
    assert path("warm", "cold", "warm", "cold", "warm", "hot", in_order=False) == [("warm", "hot", 3)]


def test_a_refold_that_never_passes_the_old_stage_is_one_crossing() -> None:
    assert path("warm", "cold", "hot", in_order=False) == [("warm", "hot", 0)]


def test_a_refold_fires_no_stage_that_the_lead_has_come_back_from() -> None:
    assert path("cold", "cold", "warm", "hot", "warm", in_order=False) == [("cold", "warm", 0)]
