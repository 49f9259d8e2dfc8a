"""The two laws of looking back, over random lives of a lead."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from ingest.core.adjustments import Adjustment, Author
from ingest.models import Lead, Project
from scoring.models import LeadScore, ScoreEntry
from scoring.past import Moment, entries_then, lead_then
from scoring.services.adjustments import adjust
from scoring.services.rescore import rescore_leads
from tests.scoring.build import T0, let_fade, make_project, publish, rule, score, scorecard, send, track

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def rules(random: Random) -> dict[str, object]:
    """Return a scorecard with everything that time has a hand in."""
    return scorecard(
        rule("view", random.randint(1, 9), cap={"times": random.randint(1, 3), "per": "day"}),
        rule("demo", random.randint(20, 60), expires_after_days=random.randint(1, 4)),
        rule("complaint", -random.randint(1, 30), expires_after_days=1),
        half_life_days=random.choice([None, 1, 5]),
    )


def scores_of(lead: Lead) -> dict[str, tuple[Decimal, str]]:
    rows = LeadScore.objects.filter(lead=lead).values_list("scorecard", "score", "stage")
    return {name: (points, stage) for name, points, stage in rows}


def live(project: Project, lead: Lead, random: Random, *, now: datetime) -> None:
    """Let one thing happen, and score it."""
    match random.choice(["event", "event", "late", "ahead", "adjust", "nothing", "publish", "publish from now"]):
        case "event":
            send(project, random.choice(["view", "demo", "complaint"]), now)
        case "late":
            send(project, random.choice(["view", "demo"]), now - random.randint(1, 100) * HOUR, now=now)
        case "ahead":
            send(project, "view", now + timedelta(minutes=3), now=now)
        case "adjust":
            given = Adjustment(points=Decimal(random.randint(-30, 30) or 1), reason="Because")
            adjust(lead, given, author=Author(id="1", name="Dana"), now=now)
        case "publish":
            publish(project, rules(random), at=now)
            rescore_leads(project.pk, [lead.pk], now=now)
        case "publish from now":
            publish(project, rules(random), at=now, applies_from=now)
    score(now)
    let_fade(now)


@pytest.mark.parametrize("seed", range(25))
def test_what_was_known_then_is_what_was_stored_then(seed: int) -> None:
    random = Random(seed)
    project = make_project(rules(random))
    lead = track(project, "view", T0)
    seen = {}
    now = T0
    for _ in range(14):
        now += random.randint(1, 30) * HOUR
        live(project, lead, random, now=now)
        seen[now] = scores_of(lead)

    for moment, stored in seen.items():
        then = lead_then(lead, Moment(now=now, known_at=moment))
        assert {name: (card.score, card.stage) for name, card in then.state.cards.items()} == stored


@pytest.mark.parametrize("seed", range(10))
def test_as_of_any_moment_is_the_ledger_up_to_it(seed: int) -> None:
    random = Random(seed)
    project = make_project(rules(random))
    lead = track(project, "view", T0)
    now = T0
    for _ in range(14):
        now += random.randint(1, 30) * HOUR
        live(project, lead, random, now=now)
    stored = list(ScoreEntry.objects.filter(lead=lead).order_by("sequence"))

    for moment in [T0 - HOUR, *(min(T0 + random.randint(0, 20 * 24) * HOUR, now) for _ in range(10)), now]:
        then = lead_then(lead, Moment(now=now, as_of=moment))
        past = [entry.new_score for entry in stored if entry.occurred_at <= moment]
        assert [entry.new_score for entry in entries_then(then)] == past
