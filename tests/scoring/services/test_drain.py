"""Scoring what is pending, through the services as production uses them."""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from ingest import database
from ingest.models import Event, Lead, PendingEvent
from ingest.services import pending as pending_service
from ingest.slots import SLOTS
from scoring.core import engine
from scoring.core.engine import ScorableEvent
from scoring.models import DeadLetter, LeadScore, LeadState, ScoreEntry
from scoring.services import dead_letters, projection
from scoring.services.dead_letters import RETRY_DELAYS
from scoring.services.drain import drain
from scoring.services.rescore import rescore_leads
from tests.scoring.builders import (
    LATER,
    NOON,
    Listener,
    drain_all,
    event,
    history,
    lead_of,
    ledger,
    make_project,
    pending,
    projections,
    put_in_force,
    scorecard,
    standing,
    take_in,
    track,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


# --- The published examples -----------------------------------------------------------------------------------------


def test_a_page_view_a_signup_and_a_demo_request_make_a_hot_lead_with_75() -> None:
    project = make_project()

    track(project, event("page_view"), event("signup", NOON + HOUR), event("demo_request", NOON + 2 * HOUR))

    assert standing(project) == (Decimal(75), "hot")


def test_the_same_event_id_twice_counts_once_in_one_request_and_in_two() -> None:
    project = make_project()

    track(project, event("signup", event_id="e1"), event("signup", event_id="e1"))
    track(project, event("signup", event_id="e1"), event("demo_request", event_id="e1"))

    assert standing(project) == (Decimal(20), "warm")


def test_a_late_event_is_put_where_it_belongs_in_the_history() -> None:
    project = make_project()

    track(project, event("demo_request", NOON))
    track(project, event("page_view", NOON - 2 * HOUR))

    assert history(project) == [("page_view", 0, 5), ("demo_request", 5, 55)]


def test_fifty_events_at_once_all_count() -> None:
    project = make_project()

    for number in range(50):
        take_in(project, event("page_view", NOON + timedelta(seconds=number)))
    drain_all()

    assert standing(project) == (Decimal(250), "qualified")
    assert len(history(project)) == 50


@pytest.mark.parametrize(
    ("events", "stage"),
    [([], "cold"), (["signup"], "warm"), (["demo_request"], "hot"), (["demo_request", "demo_request"], "qualified")],
)
def test_points_make_stages(events: list[str], stage: str) -> None:
    project = make_project()

    track(project, event("feature_used"), *(event(name) for name in events))

    assert standing(project)[1] == stage


def test_a_score_stays_between_0_and_10_000_and_the_entries_tell() -> None:
    project = make_project()

    track(project, event("unsubscribe", NOON - HOUR), *(event("contract_signed") for _ in range(102)))

    entries: list[Any] = list(ScoreEntry.objects.order_by("sequence").values_list("delta", "new_score"))
    assert entries[0] == (0, 0)
    assert entries[-3:] == [(100, 10_000), (0, 10_000), (0, 10_000)]
    assert standing(project)[0] == 10_000


def test_an_event_that_no_rule_matches_has_no_entry_but_counts_as_activity() -> None:
    project = make_project()

    track(project, event("feature_used", NOON))

    assert history(project) == []
    assert LeadState.objects.get().last_event_at == NOON


# --- What the apps above are told -----------------------------------------------------------------------------------


def test_two_stages_crossed_in_one_batch_are_both_told() -> None:
    project = make_project()

    with Listener() as heard:
        track(project, event("signup", NOON), event("demo_request", NOON + HOUR))

    assert heard.crossings == [("cold", "warm", "signup"), ("warm", "hot", "demo_request")]


def test_a_late_event_that_only_moves_an_old_crossing_is_no_crossing() -> None:
    project = make_project()
    track(project, event("demo_request", NOON))

    with Listener() as heard:
        track(project, event("form_submit", NOON - HOUR))

    assert heard.crossings == []
    assert [told.stage for told in heard.outcomes] == ["hot"]


def test_a_late_event_that_raises_the_stage_is_the_cause_of_the_crossing() -> None:
    project = make_project()
    track(project, event("signup", NOON))

    with Listener() as heard:
        track(project, event("contract_signed", NOON - HOUR))

    assert heard.crossings == [("warm", "qualified", "contract_signed")]


def test_a_rescore_tells_nothing() -> None:
    project = make_project()
    track(project, event("signup", NOON))
    put_in_force(project, scorecard(signup=70))

    with Listener() as heard:
        rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert standing(project) == (Decimal(70), "hot")
    assert heard.outcomes == []


def test_an_event_that_arrived_before_a_rescore_but_is_drained_after_it_still_fires_once() -> None:
    project = make_project()
    track(project, event("page_view", NOON))
    take_in(project, event("demo_request", NOON - HOUR))
    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    with Listener() as heard:
        drain_all()
        drain_all()

    assert heard.crossings == [("cold", "hot", "demo_request")]


def test_every_event_is_attributed_once_however_it_is_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.drain.MAX_EVENTS", 3)
    project = make_project()
    events = [event("page_view", NOON + timedelta(minutes=minute)) for minute in range(20)]
    random.Random(4).shuffle(events)

    with Listener() as heard:
        for number, each in enumerate(events):
            take_in(project, each)
            if number % 7 == 6:
                drain(range(SLOTS), now=LATER)
        drain_all()

    assert len(heard.attributed) == len(set(heard.attributed)) == 20
    assert [crossing[:2] for crossing in heard.crossings] == [("cold", "warm"), ("warm", "hot"), ("hot", "qualified")]


# --- Poison ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Make events of type `poison` raise in the engine until somebody sets `active` to false."""
    state = {"active": True}
    apply = engine._LeadFold.apply

    def raising(self: Any, event: ScorableEvent) -> None:
        if state["active"] and event.event_type == "poison":
            raise ZeroDivisionError("a rule divides by nothing")
        apply(self, event)

    monkeypatch.setattr(engine._LeadFold, "apply", raising)
    return state


def park_poison(project: Any) -> None:
    take_in(project, event("page_view", NOON), event("poison", NOON + HOUR), event("signup", NOON + 2 * HOUR))
    now = LATER
    for delay in (*RETRY_DELAYS, timedelta()):
        drain_all(now)
        now += delay


@pytest.mark.usefixtures("poison")
def test_an_event_that_cannot_be_scored_is_parked_after_its_retries_and_its_lead_goes_on() -> None:
    project = make_project()
    take_in(project, event("page_view", NOON), event("poison", NOON + HOUR), event("signup", NOON + 2 * HOUR))

    drain_all(LATER)
    assert (standing(project)[0], pending(), DeadLetter.objects.count()) == (25, 1, 0)
    drain_all(LATER + RETRY_DELAYS[0] - timedelta(seconds=1))
    assert PendingEvent.objects.get().attempts == 1
    drain_all(LATER + RETRY_DELAYS[0])
    assert PendingEvent.objects.get().attempts == 2
    drain_all(LATER + RETRY_DELAYS[0] + RETRY_DELAYS[1])

    letter = DeadLetter.objects.get()
    assert letter.error == "ZeroDivisionError: a rule divides by nothing"
    assert "Traceback" in letter.traceback
    assert "in raising" in letter.traceback
    assert pending() == 0
    assert standing(project)[0] == 25


def test_a_parked_event_that_is_retried_counts_where_it_belongs(poison: dict[str, bool]) -> None:
    project = make_project()
    put_in_force(project, scorecard(page_view=5, signup=20, poison=30))
    park_poison(project)
    poison["active"] = False

    assert dead_letters.retry(list(DeadLetter.objects.values_list("pk", flat=True)), now=LATER) == 1
    drain_all()

    assert history(project) == [("page_view", 0, 5), ("poison", 5, 35), ("signup", 35, 55)]
    assert not DeadLetter.objects.exists()


def test_a_discarded_event_never_counts(poison: dict[str, bool]) -> None:
    project = make_project()
    put_in_force(project, scorecard(page_view=5, signup=20, poison=30))
    park_poison(project)
    poison["active"] = False

    assert dead_letters.discard([DeadLetter.objects.get().pk]) == 1
    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert standing(project)[0] == 25
    assert Event.objects.filter(event_type="poison").exists()


@pytest.mark.usefixtures("poison")
def test_when_a_parked_event_happened_is_told_alike_before_and_after_a_rescore() -> None:
    project = make_project()
    take_in(project, event("page_view", NOON), event("poison", NOON + HOUR))
    drain_all(LATER)
    drain_all(LATER + timedelta(hours=1))
    drain_all(LATER + timedelta(hours=2))
    before = projections()

    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert projections() == before


def test_a_lead_whose_fold_fails_altogether_is_parked_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    finish = engine._LeadFold.finish

    def raising(self: Any, until: Any) -> Any:
        if self.last is not None and self.last.properties.get("bad"):
            raise ZeroDivisionError("fading divides by nothing")
        return finish(self, until)

    monkeypatch.setattr(engine._LeadFold, "finish", raising)
    take_in(project, event("signup", user="bad", bad=True), event("signup", user="good"))

    now = LATER
    for delay in (*RETRY_DELAYS, timedelta()):
        drain_all(now)
        assert standing(project, "good")[0] == 20
        now += delay

    assert DeadLetter.objects.get().lead == lead_of(project, "bad")
    assert pending() == 0


@pytest.mark.parametrize(
    "tree", [{"cards": 7}, {"applied": ["yesterday", "e1"]}, [1], "x", {"cards": {"Engagement": {}}}]
)
def test_a_state_that_cannot_be_read_is_rebuilt_from_the_log(tree: object) -> None:
    project = make_project()
    track(project, event("signup", NOON))
    LeadState.objects.update(state=tree)

    with Listener() as heard:
        track(project, event("demo_request", NOON + HOUR))

    assert standing(project) == (Decimal(70), "hot")
    assert heard.crossings == [("warm", "hot", "demo_request")]
    assert not DeadLetter.objects.exists()


# --- Crashes --------------------------------------------------------------------------------------------------------

STATEMENTS: list[tuple[object, str]] = [
    (database, "lock_rows"),
    (database, "insert_rows"),
    (database, "upsert_rows"),
    (pending_service, "settle"),
    (projection, "_drop_scorecards_gone"),
    (projection, "write"),
]


def crash_after(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """Return a function that raises at its call number `calls`, after having done what it does."""
    made = iter(range(1, 1_000))

    def crashing(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if next(made) == calls:
            raise DatabaseError("the server closed the connection unexpectedly")
        return result

    return crashing


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize(("owner", "name"), STATEMENTS)
def test_a_crash_at_any_statement_leaves_nothing_half_written(owner: object, name: str, call: int, late: bool) -> None:
    project = make_project()
    track(project, event("signup", NOON, user="ada"), event("signup", NOON, user="bob"))
    at = NOON - HOUR if late else NOON + HOUR
    take_in(project, event("demo_request", at, user="ada"), event("demo_request", at, user="bob"))
    before = projections(), pending()

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(owner, name, crash_after(getattr(owner, name), call)))
        # As if the process had gone: what would follow a failed batch does not come about.
        stack.enter_context(mock.patch("scoring.services.drain._score_leads_alone", side_effect=KeyboardInterrupt))
        crashed = _crashes()
    after = projections(), pending()
    drain_all()

    assert not crashed or after == before
    assert [standing(project, user) for user in ("ada", "bob")] == [(Decimal(70), "hot")] * 2
    assert pending() == 0
    assert ScoreEntry.objects.count() == 4


def _crashes() -> bool:
    try:
        drain(range(SLOTS), now=LATER)
    except KeyboardInterrupt:
        return True
    return False


# --- Bounds ---------------------------------------------------------------------------------------------------------


def statements_of_a_batch(leads: int, *, late: bool) -> int:
    project = make_project(f"{leads} leads")
    names = [f"user-{number}" for number in range(leads)]
    track(project, *(event("page_view", NOON, user=name) for name in names))
    take_in(project, *(event("signup", NOON - HOUR if late else NOON + HOUR, user=name) for name in names))
    with CaptureQueriesContext(connection) as captured:
        assert drain(range(SLOTS), now=LATER) == leads
    assert set(LeadScore.objects.filter(project=project).values_list("score", flat=True)) == {Decimal(25)}
    return len(captured)


@pytest.mark.parametrize("late", [False, True])
def test_a_batch_of_300_leads_takes_as_many_statements_as_one_of_a_single_lead(late: bool) -> None:
    assert statements_of_a_batch(300, late=late) == statements_of_a_batch(1, late=late)


def test_a_late_event_rewrites_a_ledger_longer_than_a_statement_has_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.projection.DELETED_AT_ONCE", 150, raising=False)
    project = make_project()
    track(project, *(event("page_view", NOON + timedelta(seconds=number)) for number in range(400)))

    with few_parameters(300):
        track(project, event("signup", NOON - HOUR))

    assert standing(project)[0] == 2_020
    assert len({row[3] for row in ledger()}) == 401


@contextmanager
def few_parameters(count: int) -> Iterator[None]:
    """Lower the number of parameters a statement may have, where the engine has such a limit."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, count)
    yield
    connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, usual)


def test_a_batch_takes_the_longest_waiting_first() -> None:
    project = make_project()
    take_in(project, event("signup", user="second"), now=LATER)
    take_in(project, event("signup", user="first"), now=LATER - HOUR)

    with mock.patch("scoring.services.drain.MAX_LEADS", 1):
        drain(range(SLOTS), now=LATER)

    assert [standing(project, user)[0] for user in ("first", "second")] == [20, 0]


def test_traits_and_properties_of_any_size_pass_through_the_state() -> None:
    project = make_project()
    put_in_force(
        project,
        {
            "name": "Engagement",
            "rules": [
                {
                    "name": "Rich",
                    "event": "page_view",
                    "points": 5,
                    "when": {"all": [{"field": "traits.budget", "op": "gt", "value": 1000}]},
                }
            ],
        },
    )
    (incoming,) = [event("page_view")]
    object.__setattr__(incoming, "traits", json.loads('{"budget": 1e30, "name": "Ünal 🚀"}'))

    track(project, incoming)
    again = event("page_view", NOON + HOUR)
    object.__setattr__(again, "traits", {"plan": "pro"})
    track(project, again)

    assert standing(project)[0] == 10
    assert Lead.objects.get().traits["plan"] == "pro"


@pytest.mark.parametrize("lost", ["no state", "an old state"])
def test_a_state_that_does_not_belong_to_the_ledger_is_rebuilt_from_the_log(lost: str) -> None:
    project = make_project()
    track(project, event("page_view", NOON - HOUR))
    old = LeadState.objects.get().state
    track(project, event("signup", NOON))
    if lost == "no state":
        LeadState.objects.all().delete()
    else:
        LeadState.objects.update(state=old)

    with mock.patch("ingest.database._ATTEMPTS", 2), Listener() as heard:
        track(project, event("demo_request", NOON + HOUR))

    assert history(project) == [("page_view", 0, 5), ("signup", 5, 25), ("demo_request", 25, 75)]
    assert heard.crossings == [("warm", "hot", "demo_request")]
