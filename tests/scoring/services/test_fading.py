"""Time changes scores by itself: at its exact moments, however late anybody looks, and once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.models import Automation, Run
from automation.selectors import runs_of_lead
from ingest.models import Lead
from ingest.slots import SLOTS
from scoring.core.ruleset import parse_ruleset
from scoring.models import LeadState, ScoreEntry
from scoring.services import fading, projection
from scoring.services.draft import replace_draft
from scoring.services.fading import fade
from scoring.services.publication import publish_draft
from scoring.services.rescore import rescore_leads
from tests.automation.builders import make_automation
from tests.scoring.build import (
    DAY,
    DEMO_EXPIRES,
    HALVES,
    T0,
    ledger,
    let_fade,
    make_project,
    publish,
    rule,
    score,
    scorecard,
    send,
    standing,
    track,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def next_change(lead: Lead) -> object:
    return LeadState.objects.get(lead=lead).next_change_at


def test_points_leave_on_their_day_without_any_event() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)

    let_fade(T0 + 30 * DAY + SECOND)

    assert standing(lead) == (Decimal(0), "cold")
    assert ledger(lead)[-1] == (T0 + 30 * DAY, "decay", Decimal(-50), Decimal(0), "cold")


def test_a_lead_is_visited_only_when_it_is_due() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)

    assert next_change(lead) == T0 + 30 * DAY
    assert fade(range(SLOTS), now=T0 + 30 * DAY - SECOND) == 0
    assert fade(range(SLOTS), now=T0 + 30 * DAY) == 1
    assert fade(range(SLOTS), now=T0 + 60 * DAY) == 0
    assert next_change(lead) is None


def test_only_leads_of_the_given_slots_are_visited() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)
    slot = LeadState.objects.get(lead=lead).slot

    assert fade([other for other in range(SLOTS) if other != slot], now=T0 + 31 * DAY) == 0
    assert fade([slot], now=T0 + 31 * DAY) == 1


def test_a_lead_that_nothing_fades_is_never_due() -> None:
    lead = track(make_project(scorecard(rule("signup", 20))), "signup", T0)

    assert next_change(lead) is None


def test_after_a_day_without_workers_the_entries_are_the_same_as_if_somebody_had_looked_every_hour() -> None:
    often = track(make_project(HALVES), "demo_request", T0)
    for hour in range(1, 25):
        let_fade(T0 + hour * timedelta(hours=1))
    seldom = track(make_project(HALVES), "demo_request", T0)
    let_fade(T0 + DAY)

    assert ledger(often) == ledger(seldom)
    assert len(ledger(often)) > 3
    assert LeadState.objects.get(lead=often).state == LeadState.objects.get(lead=seldom).state


def test_the_next_event_never_undoes_what_has_faded() -> None:
    project = make_project(DEMO_EXPIRES)
    track(project, "demo_request", T0)
    let_fade(T0 + 31 * DAY)

    lead = track(project, "page_view", T0 + 32 * DAY)

    assert standing(lead) == (Decimal(5), "cold")
    assert [entry[1] for entry in ledger(lead)] == ["event", "decay", "event"]


def test_an_event_that_comes_late_for_what_has_faded_is_put_where_it_belongs() -> None:
    project = make_project(DEMO_EXPIRES)
    lead = track(project, "demo_request", T0)
    let_fade(T0 + 30 * DAY + SECOND)

    track(project, "page_view", T0 + 29 * DAY, now=T0 + 31 * DAY)

    assert [(at, kind, new) for at, kind, _, new, _ in ledger(lead)] == [
        (T0, "event", Decimal(50)),
        (T0 + 29 * DAY, "event", Decimal(55)),
        (T0 + 30 * DAY, "decay", Decimal(5)),
    ]


def test_scoring_an_old_event_lets_what_has_expired_since_expire() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0, now=T0 + 40 * DAY)

    assert standing(lead) == (Decimal(0), "cold")
    assert next_change(lead) is None


def test_a_rescore_keeps_what_has_faded() -> None:
    project = make_project(HALVES)
    lead = track(project, "demo_request", T0)
    let_fade(T0 + 5 * DAY)
    before, due = ledger(lead), next_change(lead)

    rescore_leads(project.pk, [lead.pk], now=T0 + 5 * DAY)

    assert (ledger(lead), next_change(lead)) == (before, due)


def test_negative_points_that_expire_raise_the_stage() -> None:
    rules = [rule("signup", 25), rule("complaint", -10, expires_after_days=7)]
    project = make_project(scorecard(*rules))
    track(project, "signup", T0)
    lead = track(project, "complaint", T0 + DAY)
    assert standing(lead) == (Decimal(15), "cold")

    let_fade(T0 + 8 * DAY)

    assert standing(lead) == (Decimal(25), "warm")


def test_a_version_that_moved_the_past_meanwhile_refolds_the_lead() -> None:
    project = make_project(DEMO_EXPIRES)
    lead = track(project, "demo_request", T0)
    publish(project, scorecard(rule("demo_request", 60, expires_after_days=60)), at=T0 + DAY)

    let_fade(T0 + 31 * DAY)

    assert standing(lead) == (Decimal(60), "hot")
    assert next_change(lead) == T0 + 60 * DAY


def test_a_scorecard_that_comes_back_makes_up_for_what_fell_due_meanwhile() -> None:
    project = make_project(scorecard(rule("signup", 20)), DEMO_EXPIRES | {"name": "Second"})
    lead = track(project, "demo_request", T0)
    publish(project, scorecard(rule("signup", 20)), at=T0 + DAY, applies_from=T0 + DAY)
    let_fade(T0 + 40 * DAY)
    assert standing(lead, "Second") == (Decimal(50), "hot")
    replace_draft(project.pk, parse_ruleset({"scorecards": [scorecard(rule("signup", 20)), scorecard(name="Second")]}))

    back = T0 + 50 * DAY
    publish_draft(project.pk, by=None, note="", applies_from=back, now=back)
    let_fade(back)

    assert ledger(lead, "Second")[-1] == (back, "decay", Decimal(-50), Decimal(0), "cold")


# --- What fires -----------------------------------------------------------------------------------------------------


def falls_to_cold(lead: Lead) -> Automation:
    return make_automation(lead.project, name="Cooled down", to_stage="cold", direction="down")


def test_a_stage_that_falls_by_itself_fires_automations() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)
    falls_to_cold(lead)

    let_fade(T0 + 30 * DAY + SECOND)

    run = Run.objects.get()
    assert (run.crossing, run.occurred_at) == ("hot>cold", T0 + 30 * DAY)
    assert run.cause == "decay:Engagement:2026-04-01T12:00:00.000000+00:00"
    assert run.facts["eventType"] is None
    assert [line.why for line in runs_of_lead(lead.project_id, lead.pk)] == ["hot → cold, by fading"]


def test_every_stage_on_the_way_down_fires_once_even_after_a_long_time_without_workers() -> None:
    lead = track(make_project(HALVES), "demo_request", T0)
    make_automation(lead.project, name="Any change", to_stage="")

    let_fade(T0 + 100 * DAY)

    assert list(Run.objects.order_by("occurred_at").values_list("crossing", flat=True)) == ["hot>warm", "warm>cold"]


def test_a_late_event_that_moves_a_fall_a_little_fires_nothing_again() -> None:
    lead = track(make_project(HALVES), "demo_request", T0)
    make_automation(lead.project, name="Any change", to_stage="")
    let_fade(T0 + 20 * DAY)
    fired = set(Run.objects.values_list("pk", flat=True))
    assert len(fired) == 2

    track(lead.project, "page_view", T0 - DAY, now=T0 + 20 * DAY)

    assert set(Run.objects.values_list("pk", flat=True)) == fired


def test_a_late_event_that_warms_the_lead_up_again_lets_its_new_fall_fire_again() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)
    falls_to_cold(lead)
    let_fade(T0 + 30 * DAY)

    track(lead.project, "demo_request", T0 + 10 * DAY, now=T0 + 31 * DAY)
    assert standing(lead) == (Decimal(50), "hot")
    let_fade(T0 + 41 * DAY)

    assert list(Run.objects.order_by("occurred_at").values_list("occurred_at", flat=True)) == [
        T0 + 30 * DAY,
        T0 + 40 * DAY,
    ]


def test_an_event_and_the_fading_before_it_each_fire_for_their_own_cause() -> None:
    project = make_project(DEMO_EXPIRES)
    lead = track(project, "demo_request", T0)
    make_automation(project, name="Any change", to_stage="")

    track(project, "demo_request", T0 + 40 * DAY)

    assert list(Run.objects.order_by("occurred_at").values_list("crossing", "facts__eventType")) == [
        ("hot>cold", None),
        ("cold>hot", "demo_request"),
    ]
    assert standing(lead) == (Decimal(50), "hot")


def test_a_rescore_of_faded_leads_fires_nothing() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)
    falls_to_cold(lead)

    rescore_leads(lead.project_id, [lead.pk], now=T0 + 31 * DAY)
    let_fade(T0 + 31 * DAY)

    assert standing(lead) == (Decimal(0), "cold")
    assert not Run.objects.exists()


# --- Many leads -----------------------------------------------------------------------------------------------------


def statements_for(leads: int) -> int:
    project = make_project(HALVES)
    for number in range(leads):
        send(project, "demo_request", T0, lead_id=None, event_id=None, names=(), traits={"name": f"Lead {number}"})
    score(T0)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert fade(range(SLOTS), now=T0 + DAY) == leads
    return len(captured)


def test_the_number_of_statements_does_not_depend_on_how_many_leads_are_due() -> None:
    assert statements_for(60) == statements_for(25) <= 17


def test_a_batch_holds_so_many_entries_and_what_is_left_stays_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fading, "MAX_ENTRIES", 10)
    project = make_project(HALVES)
    for _ in range(4):
        send(project, "demo_request", T0, names=())
    score(T0)

    fade(range(SLOTS), now=T0 + 10 * DAY)
    assert LeadState.objects.filter(next_change_at__lte=T0 + 10 * DAY).count() == 3

    let_fade(T0 + 10 * DAY)
    assert not LeadState.objects.filter(next_change_at__lte=T0 + 10 * DAY).exists()


def test_a_lead_that_cannot_be_brought_up_does_not_keep_others_from_fading(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(DEMO_EXPIRES)
    lead = track(project, "demo_request", T0)
    broken = send(project, "demo_request", T0, names=())
    score(T0)
    extend = projection.extend

    def raising(project_id: Any, lead_id: Any, *arguments: Any, **named: Any) -> Any:
        if lead_id == broken.pk:
            raise ZeroDivisionError("fading divides by nothing")
        return extend(project_id, lead_id, *arguments, **named)

    monkeypatch.setattr(projection, "extend", raising)

    let_fade(T0 + 31 * DAY)

    assert standing(lead) == (Decimal(0), "cold")
    assert LeadState.objects.get(lead=broken).next_change_at == T0 + 31 * DAY + fading.RETRY_DELAY


def test_a_lead_whose_state_cannot_be_read_fades_from_the_log() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)
    LeadState.objects.filter(lead=lead).update(state={"cards": 1})

    let_fade(T0 + 31 * DAY)

    assert standing(lead) == (Decimal(0), "cold")


def test_finding_who_is_due_reads_an_index_and_not_the_table() -> None:
    due = LeadState.objects.filter(next_change_at__lte=T0, slot__in=[1, 2]).order_by("next_change_at")

    assert "state_due" in due.values_list("lead")[:500].explain() or connection.vendor == "postgresql"


def test_visiting_twice_at_once_writes_once() -> None:
    lead = track(make_project(DEMO_EXPIRES), "demo_request", T0)

    fading._fade([lead.pk], now=T0 + 31 * DAY)
    fading._fade([lead.pk], now=T0 + 31 * DAY)

    assert ScoreEntry.objects.filter(lead=lead).count() == 2
