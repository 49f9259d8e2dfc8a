from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from automation.core.triggers import Direction, EventTrigger, Firing, StageTrigger, firings
from scoring.signals import LeadOutcome, ScoredEvent
from tests.automation.builders import crossing

FIRST = ScoredEvent(key=UUID(int=1), event_type="signup", occurred_at=datetime(2026, 3, 1, tzinfo=UTC))
SECOND = ScoredEvent(key=UUID(int=2), event_type="unsubscribe", occurred_at=datetime(2026, 3, 2, tzinfo=UTC))

UP_AND_DOWN = LeadOutcome(
    project_id=UUID(int=8),
    lead_id=UUID(int=9),
    score=Decimal("12.50"),
    stage="cold",
    events=(FIRST, SECOND),
    crossings=(crossing(FIRST, "cold", "warm", "0", "20"), crossing(SECOND, "warm", "cold", "20", "12.50")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    from_stage: str = ""
    to_stage: str = ""
    direction: Direction = Direction.EITHER
    fires: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "case",
    [
        Case(fires=("cold>warm", "warm>cold")),
        Case(to_stage="warm", fires=("cold>warm",)),
        Case(from_stage="warm", fires=("warm>cold",)),
        Case(from_stage="cold", to_stage="warm", fires=("cold>warm",)),
        Case(from_stage="cold", to_stage="hot"),
        Case(direction=Direction.UP, fires=("cold>warm",)),
        Case(direction=Direction.DOWN, fires=("warm>cold",)),
        Case(to_stage="cold", direction=Direction.UP),
    ],
)
def test_a_stage_trigger_matches_the_stages_and_the_direction_it_names(case: Case) -> None:
    trigger = StageTrigger(from_stage=case.from_stage, to_stage=case.to_stage, direction=case.direction)

    assert tuple(firing.crossing for firing in firings(trigger, UP_AND_DOWN)) == case.fires


def test_an_event_trigger_tells_the_crossing_its_event_brought_about() -> None:
    (firing,) = firings(EventTrigger(event_type="signup"), UP_AND_DOWN)

    assert firing == Firing(
        cause=FIRST,
        crossing="",
        old_score=Decimal(0),
        new_score=Decimal(20),
        old_stage="cold",
        new_stage="warm",
    )


def test_an_event_trigger_without_a_crossing_tells_where_the_lead_is_now() -> None:
    still = LeadOutcome(
        project_id=UUID(int=8),
        lead_id=UUID(int=9),
        score=Decimal(7),
        stage="cold",
        events=(FIRST,),
        crossings=(),
    )

    (firing,) = firings(EventTrigger(event_type="signup"), still)

    assert firing == Firing(
        cause=FIRST, crossing="", old_score=None, new_score=Decimal(7), old_stage=None, new_stage="cold"
    )


def test_an_event_trigger_that_names_no_event_fires_for_none() -> None:
    assert not list(firings(EventTrigger(event_type=""), UP_AND_DOWN))


def test_facts_hold_whole_points_as_whole_numbers() -> None:
    _, down = firings(StageTrigger(from_stage="", to_stage="", direction=Direction.EITHER), UP_AND_DOWN)

    assert down.facts == {
        "eventType": "unsubscribe",
        "oldScore": 20,
        "newScore": 12.5,
        "oldStage": "warm",
        "newStage": "cold",
        "occurredAt": "2026-03-02T00:00:00Z",
    }
