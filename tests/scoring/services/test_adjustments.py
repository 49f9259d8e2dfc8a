"""Adjustments by hand: events that only we can write, that survive everything, and say who and why."""

from decimal import Decimal

import pytest

from ingest.core.adjustments import Adjustment, Author
from ingest.core.events import parse_event
from ingest.models import Event, Lead
from ingest.services.adjustments import IdTaken
from ingest.services.events import Recorded, record
from ingest.services.leads import create_lead
from scoring.insight import explanation_of, history_of
from scoring.past import Moment
from scoring.services.adjustments import ScorecardUnknown, adjust
from scoring.services.rescore import rescore_leads
from tests.scoring.build import (
    DAY,
    HALVES,
    T0,
    ledger,
    let_fade,
    make_project,
    publish,
    rule,
    score,
    scorecard,
    standing,
    track,
)

pytestmark = pytest.mark.django_db
DANA = Author(id="019", name="Dana")
RULES = scorecard(rule("signup", 20), {"name": "Anything", "event": "*", "points": 1})


def give(lead: Lead, points: str, **values: str) -> object:
    adjustment = Adjustment(points=Decimal(points), reason="Met at the fair", **values)
    outcome = adjust(lead, adjustment, author=DANA, now=T0 + DAY)
    score(T0 + DAY)
    return outcome


def test_an_adjustment_changes_the_score_and_no_rule_looks_at_it() -> None:
    lead = track(make_project(RULES), "signup", T0)

    give(lead, "-5.25")

    assert standing(lead) == (Decimal("15.75"), "cold")
    assert ledger(lead)[-1][1:4] == ("adjustment", Decimal("-5.25"), Decimal("15.75"))


def test_it_survives_a_rescore_and_new_rules() -> None:
    project = make_project(RULES)
    lead = track(project, "signup", T0)
    give(lead, "30")
    publish(project, scorecard(rule("signup", 1)), at=T0 + 2 * DAY)

    rescore_leads(project.pk, [lead.pk], now=T0 + 2 * DAY)

    assert standing(lead) == (Decimal(31), "warm")


def test_it_fades_with_the_rest() -> None:
    lead = track(make_project(HALVES), "page_view", T0)
    give(lead, "40")

    let_fade(T0 + 50 * DAY)

    assert standing(lead)[0] < 5


def test_the_score_stays_between_floor_and_cap() -> None:
    lead = track(make_project(RULES), "signup", T0)

    give(lead, "-1000000")

    assert standing(lead) == (Decimal(0), "cold")


def test_it_goes_to_the_scorecard_it_names() -> None:
    lead = track(make_project(RULES, scorecard(name="Fit")), "signup", T0)

    give(lead, "7", scorecard="Fit")

    assert (standing(lead)[0], standing(lead, "Fit")[0]) == (Decimal(21), Decimal(7))


def test_an_unknown_scorecard_is_refused_and_nothing_is_stored() -> None:
    lead = track(make_project(RULES), "signup", T0)

    assert give(lead, "7", scorecard="Nope") == ScorecardUnknown(known=("Engagement",))
    assert Event.objects.count() == 1


def test_the_same_id_again_counts_once() -> None:
    lead = track(make_project(RULES), "signup", T0)

    first, again = give(lead, "7", adjustment_id="fair"), give(lead, "9", adjustment_id="fair")

    assert [outcome.duplicate for outcome in (first, again) if isinstance(outcome, Recorded)] == [False, True]
    assert standing(lead)[0] == Decimal(28)


def test_an_id_that_another_event_has_is_refused_rather_than_taken_for_done() -> None:
    lead = track(make_project(RULES), "signup", T0, event_id="fair")

    assert give(lead, "7", adjustment_id="fair") == IdTaken(adjustment_id="fair")


def test_a_client_cannot_forge_one() -> None:
    project = make_project(scorecard(rule("signup", 20), rule("adjustment", 2)))
    lead = track(project, "signup", T0)
    forged = parse_event(
        b'{"eventType": "adjustment", "userId": "ada", "kind": "adjustment", "points": 1000,'
        b' "properties": {"points": "1000", "reason": "please", "kind": "adjustment", "scorecard": "Engagement"}}'
    )

    record(project.pk, [forged], now=T0 + DAY)
    score(T0 + DAY)

    assert Event.objects.get(event_type="adjustment").kind == "activity"
    assert ledger(lead)[-1][1:4] == ("event", Decimal(2), Decimal(22))


def test_what_people_enter_about_a_lead_is_no_event_that_rules_look_at() -> None:
    project = make_project(
        RULES,
        scorecard(
            {"name": "Big", "points": 40, "when": {"field": "traits.size", "op": "gt", "value": 9}},
            name="Fit",
            basis="traits",
        ),
    )

    created = create_lead(project.pk, names=(), traits={"size": 10}, now=T0)
    score(T0)

    lead = Lead.objects.get(pk=created.lead_id)
    assert (standing(lead)[0], standing(lead, "Fit")[0]) == (Decimal(0), Decimal(40))


def test_history_and_explanation_say_who_and_why() -> None:
    lead = track(make_project(RULES), "signup", T0)
    give(lead, "5")
    moment = Moment(now=T0 + 3 * DAY)

    (_, line) = history_of(lead, moment).rows
    told = explanation_of(lead, moment)

    assert line.adjustment is not None
    assert (line.adjustment["author"]["name"], line.adjustment["reason"]) == ("Dana", "Met at the fair")
    assert told.contributions[-1].sentence == "+5 adjusted by hand, 2 days ago by Dana: Met at the fair"
