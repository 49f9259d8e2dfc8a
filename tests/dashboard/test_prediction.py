"""The page “Which rules predict?”: what it says in each state, who may do what, and whose it is."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ingest.models import Project, User
from leadscore.dashboard.prediction import mark_of
from scoring.core.prediction.intervals import Ratio
from scoring.models import PredictionReport, Rule
from scoring.tasks import report_prediction
from tests.scoring.prediction_project import OUTCOME, fill

CARD = "Engagement"
FORM = {"scorecard": CARD, "outcome": OUTCOME}


@pytest.fixture
def editor(member: User) -> User:
    """Return the member, who may edit rules."""
    member.is_staff = True
    member.save()
    member.user_permissions.add(Permission.objects.get(codename="change_scorecard"))
    return member


@pytest.fixture
def filled(project: Project) -> Project:
    fill(project, leads=300)
    return project


def address(project: Project) -> str:
    return f"/p/{project.pk}/prediction"


def finished(browser: Client, project: Project) -> PredictionReport:
    assert browser.post(address(project), FORM).status_code == 302
    report = PredictionReport.objects.get(project=project)
    report_prediction(str(report.pk))
    return report


def shown(browser: Client, project: Project) -> str:
    return re.sub(r"\s+", " ", browser.get(address(project)).content.decode())


def test_before_anything_was_asked_it_says_what_to_do(browser_of_member: Client, project: Project) -> None:
    page = shown(browser_of_member, project)

    assert "Nothing asked yet" in page
    assert 'value="contract_signed"' in page
    assert "data-poll" not in page


def test_asking_leads_to_a_page_that_watches_the_progress(browser_of_member: Client, filled: Project) -> None:
    answer = browser_of_member.post(address(filled), FORM)

    assert answer.headers["Location"] == f"{address(filled)}?scorecard=Engagement&outcome=contract_signed"
    assert PredictionReport.objects.get().requested_by == User.objects.get(username="dana")
    page = browser_of_member.get(answer.headers["Location"]).content.decode()
    assert "Waiting for a worker" in page
    assert "data-poll" in page

    PredictionReport.objects.update(status="running", leads_total=300, leads_done=75)
    assert "75 of 300 leads" in shown(browser_of_member, filled)


def test_the_finished_report_shows_rules_lifts_and_charts(browser_of_member: Client, filled: Project) -> None:
    finished(browser_of_member, filled)

    page = shown(browser_of_member, filled)

    assert "300 leads with events" in page
    assert re.search(r"Demo request</bdi> <span class=\"tag good\">predicts it", page)
    assert re.search(r"Email opened</bdi> <span class=\"tag \">says nothing either way", page)
    assert "calibration-data" in page
    assert "roc-data" in page
    assert re.search(r"AUC 0\.\d\d", page)
    assert "data-poll" not in page
    assert "Not which rules cause it" in page


def test_too_few_outcomes_give_words_and_no_table(browser_of_member: Client, project: Project) -> None:
    fill(project, leads=40)
    finished(browser_of_member, project)

    page = shown(browser_of_member, project)

    assert "With fewer than 50" in page
    assert "<table" not in page
    assert "roc-data" not in page


def test_a_report_that_failed_says_so(browser_of_member: Client, filled: Project) -> None:
    browser_of_member.post(address(filled), FORM)
    PredictionReport.objects.update(status="failed", failure="MemoryError: no more")

    page = shown(browser_of_member, filled)

    assert "The report could not be made." in page
    assert "MemoryError: no more" in page


@pytest.mark.parametrize("outcome", ["never_seen", "", "x" * 300, "nul\x00", "<script>alert(1)</script>"])
def test_an_outcome_that_never_happened_is_refused_in_words(
    browser_of_member: Client, filled: Project, outcome: str
) -> None:
    answer = browser_of_member.post(address(filled), FORM | {"outcome": outcome})

    assert answer.status_code == 422
    assert "has ever come in" in answer.content.decode()
    assert b"<script>alert" not in answer.content
    assert not PredictionReport.objects.exists()


def test_an_editor_puts_the_suggestions_into_the_draft(
    browser_of_member: Client, editor: User, filled: Project
) -> None:
    pytest.importorskip("sklearn")
    report = finished(browser_of_member, filled)
    assert "Put these into the draft" in shown(browser_of_member, filled)
    before = Rule.objects.get(scorecard__project=filled, name="Demo request").points

    answer = browser_of_member.post(f"{address(filled)}/{report.pk}/draft", follow=True)

    assert "of the draft changed. No score changes before you publish it." in answer.content.decode()
    assert Rule.objects.get(scorecard__project=filled, name="Demo request").points != before


def test_a_member_who_may_not_edit_rules_may_not_change_the_draft(browser_of_member: Client, filled: Project) -> None:
    report = finished(browser_of_member, filled)
    before = list(Rule.objects.order_by("pk").values_list("points", flat=True))

    assert "Put these into the draft" not in shown(browser_of_member, filled)
    assert browser_of_member.post(f"{address(filled)}/{report.pk}/draft").status_code == 403
    assert list(Rule.objects.order_by("pk").values_list("points", flat=True)) == before


def test_a_strangers_report_does_not_exist(
    browser_of_member: Client, editor: User, project: Project, strangers_project: Project
) -> None:
    theirs = PredictionReport.objects.create(project=strangers_project, scorecard=CARD, outcome=OUTCOME)

    assert browser_of_member.get(address(strangers_project)).status_code == 404
    assert browser_of_member.post(address(strangers_project), FORM).status_code == 404
    for tenant in (project, strangers_project):
        assert browser_of_member.post(f"{address(tenant)}/{theirs.pk}/draft").status_code == 404
    assert browser_of_member.post(f"{address(project)}/{uuid4()}/draft").status_code == 404
    assert "Nothing asked yet" in shown(browser_of_member, project)


def test_a_link_cannot_change_the_draft(browser_of_member: Client, editor: User, filled: Project) -> None:
    report = finished(browser_of_member, filled)

    assert browser_of_member.get(f"{address(filled)}/{report.pk}/draft").status_code == 405


def test_the_page_costs_the_same_with_any_report(
    browser_of_member: Client, filled: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser_of_member.get(address(filled))

    with django_assert_num_queries(5):  # session, user, projects, the version in force, the report
        browser_of_member.get(address(filled))
    finished(browser_of_member, filled)
    with django_assert_num_queries(5):
        browser_of_member.get(address(filled))


@pytest.mark.parametrize(
    ("lift", "low", "width", "value"),
    [
        (Ratio(value=1.0, low=0.5, high=2.0), 37.5, 25, 50),
        (Ratio(value=4.0, low=2.0, high=8.0), 62.5, 25, 75),
        (Ratio(value=None, low=2.0, high=None), 62.5, 37.5, 99.2),
        (Ratio(value=0.0, low=0.0, high=0.25), 0, 25, 0),
        (Ratio(value=900.0, low=800.0, high=1000.0), 100, 0.8, 99.2),
    ],
)
def test_a_lift_is_drawn_where_it_is(lift: Ratio, low: float, width: float, value: float) -> None:
    mark = mark_of(lift)

    assert mark is not None
    assert (mark.low, mark.width, mark.value) == (low, width, value)
