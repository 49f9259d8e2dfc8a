"""Publishing: what a version changes, from when on, and that every lead follows it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from ingest.models import Project
from scoring.core.ruleset import parse_ruleset
from scoring.models import LeadScore, RulesetVersion
from scoring.services.draft import replace_draft
from scoring.services.publication import difference, publish_draft
from scoring.services.rescore import preview_leads
from scoring.services.rulesets import DraftInvalid, NothingChanged, Published
from tests.scoring.builders import LATER, NOON, event, history, lead_of, make_project, scorecard, standing, track

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def tasks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what publishing sets off as soon as it is sent."""
    from celery import current_app

    def run(name: str, args: tuple[str, ...], **_: object) -> None:
        current_app.tasks[name](*args)

    monkeypatch.setattr("ingest.background.current_app.send_task", run)


def publish_rules(
    project: Project, *cards: dict[str, object], applies_from: object = None, now: object = LATER
) -> object:
    replace_draft(project.pk, parse_ruleset({"scorecards": list(cards)}))
    return publish_draft(project.pk, by=None, note="", applies_from=applies_from, now=now)  # type: ignore[arg-type]


def test_a_new_project_has_its_default_rules_as_a_draft_and_as_version_1() -> None:
    for project in (make_project(), Project.objects.create(name="ORM"), Project(name="Saved")):
        project.save()

        assert [version.number for version in RulesetVersion.objects.filter(project=project)] == [1]
        assert difference(project.pk).lines == []
        assert isinstance(publish_draft(project.pk, by=None, note="", applies_from=None, now=NOON), NothingChanged)


def test_a_version_from_always_rescores_what_was_scored(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    project = make_project()
    track(project, event("signup", NOON))

    with django_capture_on_commit_callbacks(execute=True):
        outcome = publish_rules(project, scorecard(signup=70))

    assert isinstance(outcome, Published)
    assert standing(project) == (Decimal(70), "hot")


def test_a_version_from_now_on_leaves_what_happened_before_and_scores_late_events_by_their_time(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    project = make_project()
    track(project, event("signup", NOON - HOUR))

    with django_capture_on_commit_callbacks(execute=True):
        publish_rules(project, scorecard(signup=70), applies_from=NOON)
    track(project, event("signup", NOON + HOUR))
    track(project, event("signup", NOON - 2 * HOUR), event("signup", NOON))

    assert [new - old for _, old, new in history(project)] == [20, 20, 70, 70]
    assert preview_leads(project.pk, [lead_of(project).pk], now=LATER).movers == []


def test_an_event_that_was_scored_ahead_of_its_time_follows_a_version_from_now_on(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    # A client's clock may be some minutes ahead, and a batch may be under way while somebody publishes.
    project = make_project()
    track(project, event("signup", NOON + timedelta(minutes=2)))

    with django_capture_on_commit_callbacks(execute=True):
        publish_rules(project, scorecard(signup=70), applies_from=NOON)

    assert standing(project) == (Decimal(70), "hot")


def test_leads_stand_on_a_scorecard_that_is_new_from_now_on_without_waiting_for_an_event(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    project = make_project()
    track(project, event("signup", NOON - HOUR))

    with django_capture_on_commit_callbacks(execute=True):
        publish_rules(project, scorecard("Interest", signup=70), scorecard("Fit", signup=1), applies_from=NOON)

    assert set(LeadScore.objects.values_list("scorecard", flat=True)) >= {"Interest", "Fit"}


def test_publishing_the_same_rules_again_changes_nothing() -> None:
    project = make_project()
    publish_rules(project, scorecard(signup=70), applies_from=NOON)

    again = publish_draft(project.pk, by=None, note="", applies_from=NOON, now=NOON)
    from_always = publish_draft(project.pk, by=None, note="", applies_from=None, now=NOON)
    once_more = publish_draft(project.pk, by=None, note="", applies_from=None, now=NOON)

    assert isinstance(again, NothingChanged)
    assert isinstance(from_always, Published)  # it scores older events too, which it did not before
    assert isinstance(once_more, NothingChanged)
    assert RulesetVersion.objects.filter(project=project).count() == 3


def test_an_invalid_draft_is_refused_with_its_mistakes() -> None:
    project = make_project()
    project.scorecards.all().delete()

    outcome = publish_draft(project.pk, by=None, note="", applies_from=None, now=NOON)

    assert isinstance(outcome, DraftInvalid)
    assert [pointer for pointer, _ in outcome.errors] == ["/scorecards"]
    assert difference(project.pk).errors == ["Scorecards: must not be empty."]
    assert RulesetVersion.objects.filter(project=project).count() == 1


def test_a_difference_shows_what_was_added_and_taken() -> None:
    project = make_project()
    project.scorecards.get().rules.filter(name="Sign-up").update(points=30)

    marks = {line.strip(): mark for mark, line in difference(project.pk).lines if mark in "+-"}

    assert marks == {"points: 20": "-", "points: 30": "+"} or set(marks.values()) == {"+", "-"}
