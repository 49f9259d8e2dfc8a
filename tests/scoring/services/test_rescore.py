"""Rebuilding scores from the log: it changes nothing that was right, and sets right what was not."""

from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from scoring.core import engine
from scoring.models import DeadLetter, LeadScore, LeadState, ScoreEntry
from scoring.services.rescore import batches, preview_leads, rescore_leads
from tests.scoring.builders import (
    LATER,
    NOON,
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


def test_rescoring_what_is_right_writes_no_entry_again() -> None:
    project = make_project()
    track(project, event("signup", NOON), event("demo_request", NOON + HOUR))
    track(project, event("page_view", NOON - HOUR))
    before, ids = projections(), ledger()

    assert rescore_leads(project.pk, [lead_of(project).pk], now=LATER).movers == []

    assert projections() == before
    assert ledger() == ids


def test_everything_that_was_deleted_comes_back() -> None:
    project = make_project()
    track(project, event("signup", NOON), event("demo_request", NOON + HOUR), event("feature_used", NOON + 2 * HOUR))
    before = projections()
    ScoreEntry.objects.all().delete()
    LeadScore.objects.all().delete()
    LeadState.objects.all().delete()

    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert projections() == before


def test_a_ledger_that_was_tampered_with_is_set_right_from_where_it_is_wrong() -> None:
    project = make_project()
    track(project, *(event("page_view", NOON + number * HOUR) for number in range(4)))
    before, kept = projections(), ledger()[:2]
    ScoreEntry.objects.filter(sequence=2).update(delta=6, new_score=16)

    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert projections() == before
    assert ledger()[:2] == kept


def test_a_preview_says_what_would_move_and_moves_nothing() -> None:
    project = make_project()
    track(project, event("signup", NOON))
    put_in_force(project, scorecard(signup=70))
    before = projections()

    (moved,) = preview_leads(project.pk, [lead_of(project).pk], now=LATER).movers

    assert (moved.old_score, moved.new_score) == (20_00, 70_00)
    assert (moved.old_stage, moved.new_stage) == ("warm", "hot")
    assert projections() == before


def test_pending_events_are_left_to_the_lead_queues() -> None:
    project = make_project()
    track(project, event("page_view", NOON))
    take_in(project, event("signup", NOON - HOUR))

    assert rescore_leads(project.pk, [lead_of(project).pk], now=LATER).movers == []
    assert (standing(project)[0], pending()) == (5, 1)

    drain_all()
    assert history(project) == [("signup", 0, 20), ("page_view", 20, 25)]


def test_a_scorecard_that_the_rules_no_longer_have_is_gone_after_a_rescore() -> None:
    project = make_project()
    put_in_force(project, scorecard("Engagement", signup=20), scorecard("Fit", signup=1))
    track(project, event("signup", NOON))
    put_in_force(project, scorecard("Engagement", signup=20))

    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert LeadScore.objects.get().scorecard == "Engagement"
    assert set(ScoreEntry.objects.values_list("scorecard", flat=True)) == {"Engagement"}


def test_a_lead_that_cannot_be_rescored_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    users = ["ada", "bad", "cy"]
    track(project, *(event("signup", NOON, user=user, name=user) for user in users))
    put_in_force(project, scorecard(signup=70))
    finish = engine._LeadFold.finish

    def raising(self: Any, until: Any) -> Any:
        if self.last is not None and self.last.properties["name"] == "bad":
            raise ZeroDivisionError("fading divides by nothing")
        return finish(self, until)

    monkeypatch.setattr(engine._LeadFold, "finish", raising)

    moved = rescore_leads(project.pk, [lead_of(project, user).pk for user in users], now=LATER)

    assert moved.leads == 2
    assert [standing(project, user)[0] for user in users] == [70, 20, 70]


def test_an_event_that_can_no_longer_be_scored_is_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    track(project, event("signup", NOON), event("demo_request", NOON + HOUR))
    apply = engine._LeadFold.apply

    def raising(self: Any, event: engine.ScorableEvent) -> None:
        if event.event_type == "signup":
            raise ZeroDivisionError("a rule divides by nothing")
        apply(self, event)

    monkeypatch.setattr(engine._LeadFold, "apply", raising)

    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert standing(project) == (Decimal(50), "hot")
    assert DeadLetter.objects.get().event.event_type == "signup"


def test_chunks_hold_every_lead_of_the_project_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.rescore.MAX_LEADS", 4)
    project, other = make_project(), make_project("Other")
    take_in(project, *(event("signup", user=f"user-{number}") for number in range(10)))
    take_in(other, event("signup"))

    chunks = list(batches(project.pk))

    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert list(chain(*chunks)) == sorted(project.leads.values_list("pk", flat=True))
    assert list(batches(project.pk, after=chunks[0][-1])) == chunks[1:]
