"""Laws with the database: whatever the order of arrival, the duplicates and the batches, the same is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.events import IncomingEvent
from ingest.models import Event, Project
from ingest.slots import SLOTS
from scoring.models import LeadScore, ScoreEntry
from scoring.services.drain import drain
from scoring.services.rescore import preview_leads, rescore_leads
from tests.scoring.builders import (
    LATER,
    NOON,
    Listener,
    drain_all,
    event,
    ledger,
    make_project,
    pending,
    projections,
    put_in_force,
    scorecard,
    take_in,
)

pytestmark = pytest.mark.django_db
bounded = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
TYPES = ("page_view", "signup", "demo_request", "unsubscribe", "contract_signed", "other")
RICH = {
    "name": "Engagement",
    "half_life_days": 2,
    "rules": [
        {"name": "View", "event": "page_view", "points": 5, "cap": {"times": 2, "per": "day"}},
        {"name": "Sign-up", "event": "signup", "points": 20, "expires_after_days": 1},
        {"name": "Demo", "event": "demo_request", "points": 50},
        {"name": "Gone", "event": "unsubscribe", "points": -30},
    ],
}
FIT = scorecard("Fit", signup=7, other=3)

moments = st.integers(0, 5 * 24 * 4).map(lambda quarters: NOON + timedelta(minutes=15 * quarters))
logs = st.lists(st.tuples(st.sampled_from(TYPES), moments, st.sampled_from(["ada", "bob"])), min_size=1, max_size=12)


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[IncomingEvent] | str]:
    """Draw a log and one way it may arrive: shuffled, with duplicates, in requests, with drains between."""
    log = [event(kind, at, user=user, event_id=f"e{n:02d}") for n, (kind, at, user) in enumerate(draw(logs))]
    sent = draw(st.permutations([*log, *draw(st.lists(st.sampled_from(log), max_size=4))]))
    steps: list[list[IncomingEvent] | str] = []
    while sent:
        size = draw(st.integers(1, len(sent)))
        steps.append(sent[:size])
        sent = sent[size:]
        if draw(st.booleans()):
            steps.append("drain")
    return steps


@contextmanager
def undone() -> Iterator[None]:
    """Run an example in a transaction that is rolled back, so that the next one finds nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def carry_out(project: Project, steps: list[list[IncomingEvent] | str], *, most: int = 4_000) -> None:
    with mock.patch("scoring.services.drain.MAX_EVENTS", most):
        for step in steps:
            if isinstance(step, str):
                drain(range(SLOTS), now=LATER)
            else:
                take_in(project, *step)
        drain_all()


def assert_sound(project: Project) -> None:
    """Check the ledger's invariants and that a fresh replay stores the same, entry by entry."""
    entries = list(ScoreEntry.objects.order_by("lead", "scorecard", "sequence"))
    for (lead_id, card), rows in groupby(entries, key=lambda entry: (entry.lead_id, entry.scorecard)):
        chain = list(rows)
        assert [entry.sequence for entry in chain] == list(range(len(chain)))
        assert chain[0].old_score == 0
        assert all(entry.new_score - entry.old_score == entry.delta for entry in chain)
        assert all(one.new_score == two.old_score for one, two in pairwise(chain))
        assert all(one.new_stage == two.old_stage for one, two in pairwise(chain))
        assert all(one.occurred_at <= two.occurred_at for one, two in pairwise(chain))
        caused = [entry.event_id for entry in chain if entry.event_id]
        assert len(caused) == len(set(caused))
        score = LeadScore.objects.get(lead=lead_id, scorecard=card)
        assert (score.score, score.stage) == (chain[-1].new_score, chain[-1].new_stage)
        assert Decimal(0) <= score.score <= 10_000
    assert pending() == 0
    before, ids = projections(), ledger()
    leads = list(project.leads.values_list("pk", flat=True))
    assert preview_leads(project.pk, leads, now=LATER).movers == []
    rescore_leads(project.pk, leads, now=LATER)
    assert ledger() == ids
    assert projections() == before
    ScoreEntry.objects.all().delete()
    rescore_leads(project.pk, leads, now=LATER)
    assert projections() == before


def replayed(examples: Any, cards: list[dict[str, Any]], most: int) -> None:
    with undone():
        project = make_project()
        if cards:
            put_in_force(project, *cards)
        with Listener() as heard:
            carry_out(project, examples, most=most)
        assert len(heard.attributed) == len(set(heard.attributed)) == Event.objects.count()
        assert_sound(project)


@contextmanager
def in_small_parts() -> Iterator[None]:
    """Let every log of more than two events be a long one, and a lead have no more than an event in a batch."""
    with (
        mock.patch("scoring.services.long_refolds.LONG_LOG", 2),
        mock.patch("scoring.services.long_refolds.PART", 2),
        mock.patch("scoring.services.drain.LEAD_SHARE", 1),
    ):
        yield


@bounded
@given(arrivals(), st.booleans())
def test_a_long_log_folded_in_parts_gives_what_a_replay_gives(
    steps: list[list[IncomingEvent] | str], rich: bool
) -> None:
    with in_small_parts():
        replayed(steps, [RICH, FIT] if rich else [], 4_000)


@bounded
@given(arrivals(), st.sampled_from([2, 4_000]))
def test_any_arrival_gives_what_a_replay_gives(steps: list[list[IncomingEvent] | str], most: int) -> None:
    replayed(steps, [], most)


@bounded
@given(arrivals(), st.sampled_from([2, 4_000]))
def test_any_arrival_gives_what_a_replay_gives_with_caps_expiry_fading_and_two_scorecards(
    steps: list[list[IncomingEvent] | str], most: int
) -> None:
    replayed(steps, [RICH, FIT], most)


@bounded
@given(arrivals(), st.integers(0, 10), st.none() | moments, st.sampled_from([[RICH], [FIT], [RICH, FIT]]))
def test_a_version_published_between_arrivals_scores_by_event_time(
    steps: list[list[IncomingEvent] | str], place: int, applies_from: Any, cards: list[dict[str, Any]]
) -> None:
    with undone():
        project = make_project()
        carry_out(project, steps[:place])
        put_in_force(project, *cards, applies_from=applies_from)
        carry_out(project, steps[place:])
        leads = list(project.leads.values_list("pk", flat=True))
        rescore_leads(project.pk, leads, now=LATER)  # publishing sets it off
        assert_sound(project)


@bounded
@given(logs)
def test_one_entry_for_each_matched_event_and_scorecard(log: list[tuple[str, Any, str]]) -> None:
    with undone():
        project = make_project()
        put_in_force(project, scorecard("A", page_view=5, signup=20), scorecard("B", signup=-3))
        carry_out(project, [[event(kind, at, user=user) for kind, at, user in log]])
        expected = sum({"page_view": 1, "signup": 2}.get(kind, 0) for kind, _, _ in log)
        assert ScoreEntry.objects.filter(kind="event").count() == expected
