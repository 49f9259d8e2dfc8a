"""A lead's page as it was at another moment."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from ingest.core.adjustments import Adjustment, Author
from ingest.models import Lead, Project
from scoring.core.explain import by_cause
from scoring.insight import explanation_of
from scoring.past import Moment
from scoring.services.adjustments import adjust
from tests.dashboard.build import make_lead, score, track

HOUR = timedelta(hours=1)


@pytest.fixture
def lead(project: Project) -> Lead:
    lead = make_lead(project, name="Ada")
    now = timezone.now()
    track(lead, "signup", at=now - 48 * HOUR)
    track(lead, "demo_request", at=now - 2 * HOUR)
    score()
    return lead


def page(browser: Client, lead: Lead, **query: str) -> str:
    answer = browser.get(f"/p/{lead.project_id}/leads/{lead.pk}", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_why_and_what_is_next_in_sentences(browser_of_member: Client, lead: Lead) -> None:
    shown = page(browser_of_member, lead)

    assert "+50 Demo request, 2 hours ago, rule ‘Demo request’ v1" in shown
    assert "30 points to qualified" in shown
    assert "One demo_request away from qualified" in shown


def test_the_slider_leads_to_the_page_as_it_was(browser_of_member: Client, lead: Lead) -> None:
    now = timezone.now()

    shown = page(browser_of_member, lead, at=str(int((now - 24 * HOUR).timestamp())))

    assert 'type="range"' in shown
    assert "As of <strong>" in shown
    assert 'data-announce="Score 20, stage warm"' in shown
    assert "demo_request</span>" not in shown
    assert "data-poll" not in shown


def test_a_script_gets_only_the_part_that_changes(browser_of_member: Client, lead: Lead) -> None:
    at = str(int((timezone.now() - 24 * HOUR).timestamp()))

    answer = browser_of_member.get(
        f"/p/{lead.project_id}/leads/{lead.pk}", {"at": at}, headers={"HX-Request": "true"}
    ).content.decode()

    assert "<html" not in answer
    assert "As of <strong>" in answer


@pytest.mark.parametrize("at", ["", "soon", "9" * 30, "-5", "99999999999", "٣", "2999-01-01T00:00:00Z"])
def test_what_is_no_moment_of_the_past_is_now(browser_of_member: Client, lead: Lead, at: str) -> None:
    shown = page(browser_of_member, lead, at=at)

    assert 'data-announce="Score 70, stage hot"' in shown
    assert "As of <strong>" not in shown


def test_before_anything_happened_the_lead_stood_at_the_start(browser_of_member: Client, lead: Lead) -> None:
    assert 'data-announce="Score 0, stage cold"' in page(browser_of_member, lead, at="2001-01-01T00:00:00Z")


def test_an_adjustment_is_told_with_its_author_and_reason(browser_of_member: Client, lead: Lead) -> None:
    given = Adjustment(points=Decimal(-5), reason="<i>Wrong</i> number")
    adjust(lead, given, author=Author(id="1", name="Dana <b>"), now=timezone.now())
    score()

    shown = page(browser_of_member, lead)

    assert "Adjusted by hand by <bdi>Dana &lt;b&gt;</bdi>" in shown
    assert "&lt;i&gt;Wrong&lt;/i&gt; number" in shown
    assert "<i>Wrong" not in shown


def test_what_one_rule_gave_is_told_once_and_the_reasons_sum_to_the_score(project: Project) -> None:
    lead = make_lead(project, name="Ada")
    track(lead, *["page_view"] * 3, "signup")
    score()
    now = timezone.now()

    told = explanation_of(lead, Moment(now=now))
    causes = by_cause(told.contributions, now=now)

    assert [sentence for _, sentence in causes] == [
        "+20 Signup, just now, rule ‘Sign-up’ v1",
        "+15 Page view, 3 times, the last just now",
    ]
    assert sum(points for points, _ in causes) == told.score
