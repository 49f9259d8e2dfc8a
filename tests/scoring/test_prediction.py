"""The prediction report over a real log: what counts, what is stored, what is suggested, and for whom."""

import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from ingest.models import Lead, Project
from scoring import tasks
from scoring.core.prediction.collector import Collector, Observation
from scoring.core.prediction.report import Report, RuleEvidence, load_report
from scoring.models import PredictionReport, Rule
from scoring.observations import Observed, observe
from scoring.regression import NOT_INSTALLED
from scoring.selectors import newest_prediction
from scoring.services import prediction
from scoring.services.prediction import Drafted, Refused, draft_suggestion, predict, request_report
from scoring.services.publication import difference
from scoring.timelines import timeline_of
from tests.scoring.build import HALVES, scorecard
from tests.scoring.build import make_project as rules_of
from tests.scoring.build import rule as rule_for
from tests.scoring.prediction_project import NOW, OUTCOME, fill, happened, make_project, store

pytestmark = pytest.mark.django_db

CARD = "Engagement"
LEADS = 400


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def filled(project: Project) -> Project:
    fill(project, leads=LEADS)
    return project


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return the tasks that were sent."""
    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(prediction, "start", lambda *task: sent.append(task))
    return sent


@pytest.fixture
def without_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)


def report_on(project: Project) -> Report:
    return predict(project.pk, scorecard=CARD, outcome=OUTCOME, now=NOW, progress=lambda _: None)


def rule(report: Report, name: str) -> RuleEvidence:
    return next(each for each in report.rules if each.name == name)


def look(project: Project) -> Observed:
    card = timeline_of(project.pk).latest.primary
    leads = list(Lead.objects.filter(project=project).values_list("pk", flat=True))
    return observe(leads, card=card, outcome=OUTCOME, now=NOW)


def the_lead(project: Project) -> Observation:
    (seen,) = look(project).leads
    return seen


def asked(project: Project) -> PredictionReport:
    report = request_report(project.pk, scorecard=CARD, outcome=OUTCOME, by=None, now=NOW)
    assert isinstance(report, PredictionReport)
    return report


def done(project: Project) -> PredictionReport:
    report = asked(project)
    tasks.report_prediction(str(report.pk))
    report.refresh_from_db()
    return report


# --- What counts --------------------------------------------------------------------------------------------------


def test_only_what_happened_strictly_before_the_first_outcome_counts(project: Project) -> None:
    store(
        project,
        [
            happened("ann", "signup", 1),
            happened("ann", "download", 3),
            happened("ann", OUTCOME, 3),
            happened("ann", "demo_request", 4),
            happened("ann", OUTCOME, 5),
        ],
    )

    seen = the_lead(project)

    assert seen.converted
    assert dict(seen.hits) == {"Sign-up": 1}
    assert seen.score == 2_000
    assert seen.days == 2


def test_a_lead_without_the_outcome_counts_with_all_it_did_until_now(project: Project) -> None:
    store(project, [happened("bob", "page_view", day) for day in (0, 1, 2)] + [happened("bob", "unknown_type", 4)])

    seen = the_lead(project)

    assert not seen.converted
    assert dict(seen.hits) == {"Page view": 3}
    assert (seen.score, seen.days) == (1_500, 90)


def test_a_lead_with_the_outcome_before_anything_else_is_left_out_and_counted(project: Project) -> None:
    store(project, [happened("cus", OUTCOME, 0), happened("cus", "page_view", 1), happened("dan", OUTCOME, 2)])

    assert look(project) == Observed(leads=[], left_out=2)


def test_a_lead_nothing_is_known_of_is_no_part_of_it(project: Project) -> None:
    Lead.objects.create(project=project, email="nobody@example.com")

    assert look(project) == Observed(leads=[], left_out=0)


def test_an_event_no_rule_matches_is_a_lead_without_hits(project: Project) -> None:
    store(project, [happened("eve", "something", 0)])

    seen = the_lead(project)

    assert (dict(seen.hits), seen.score) == ({}, 0)


def test_points_lost_at_the_floor_are_still_a_hit_that_counted(project: Project) -> None:
    store(project, [happened("fay", "unsubscribe", 0)])

    seen = the_lead(project)

    assert dict(seen.hits) == {"Unsubscribed": 1}
    assert seen.score == 0


def test_what_a_rules_own_limit_refused_is_a_hit_that_did_not_count(db: None) -> None:
    project = rules_of(scorecard(rule_for("page_view", 5, cap={"times": 2}), rule_for("signup", 20)))
    store(project, [happened("gus", "page_view", day) for day in range(5)] + [happened("gus", "signup", 6)])

    seen = the_lead(project)

    assert dict(seen.hits) == {"page view": 2, "signup": 1}
    assert seen.score == 3_000


def test_a_score_that_fades_is_taken_as_it_stood_just_before_the_outcome(db: None) -> None:
    project = rules_of(HALVES)
    store(project, [happened("hal", "demo_request", 0), happened("hal", OUTCOME, 10)])

    seen = the_lead(project)

    assert seen.converted
    assert seen.score == pytest.approx(2_500, abs=100)


# --- The report ---------------------------------------------------------------------------------------------------


def test_the_rule_that_foretells_is_told_from_the_one_that_does_not(filled: Project) -> None:
    report = report_on(filled)

    demo, mail = rule(report, "Demo request"), rule(report, "Email opened")
    assert not report.too_few
    assert report.leads == LEADS
    assert demo.verdict == "for"
    assert demo.lift is not None
    assert demo.lift.value == pytest.approx(6, rel=0.4)
    assert mail.verdict == "open"
    assert mail.lift is not None
    assert mail.lift.value == pytest.approx(1, abs=0.3)
    assert report.roc is not None
    assert report.roc.auc > 0.7
    assert sum(band.rate.leads for band in report.bins) == LEADS


def test_the_outcomes_own_rule_is_never_a_reason_for_it(filled: Project) -> None:
    own = rule(report_on(filled), "Contract signed")

    assert (own.with_hit.leads, own.lift, own.verdict, own.suggested) == (0, None, "unseen", None)
    assert own.remark == "No lead had it before the outcome, so it keeps its points."


def test_points_are_suggested_for_what_foretells_and_hardly_for_what_does_not(filled: Project) -> None:
    pytest.importorskip("sklearn")
    report = report_on(filled)

    demo, mail = rule(report, "Demo request").suggested, rule(report, "Email opened").suggested
    assert demo is not None
    assert mail is not None
    assert demo >= 20
    assert 0 <= mail <= demo / 4
    assert report.suggestion is not None
    assert report.suggestion.auc is not None
    assert report.suggestion.auc_today is not None
    assert report.suggestion.auc > report.suggestion.auc_today - 0.03


def test_without_scikit_learn_only_the_suggestions_are_missing_and_a_sentence_says_so(
    filled: Project, without_sklearn: None
) -> None:
    report = report_on(filled)

    assert report.suggestion is not None
    assert report.suggestion.refused == NOT_INSTALLED
    assert rule(report, "Demo request").verdict == "for"
    assert all(each.suggested is None for each in report.rules)


def test_too_few_outcomes_are_said_in_words(project: Project) -> None:
    fill(project, leads=40)

    report = report_on(project)

    assert "fewer than 50" in report.too_few
    assert report.rules == ()


def test_it_reads_a_chunk_of_leads_with_a_fixed_number_of_queries(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(project, leads=30)
    report_on(project)  # compiles the rules, once per process

    # The version in force; the leads and that there are no more; who was merged into them, twice; outcomes and ledgers.
    with django_assert_num_queries(8):
        report_on(project)


def test_progress_is_told_by_the_chunk(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.rescore.MAX_LEADS", 20)
    fill(project, leads=50)
    told: list[int] = []

    predict(project.pk, scorecard=CARD, outcome=OUTCOME, now=NOW, progress=told.append)

    assert told == [20, 40, 50]


# --- Asking for it, in the background -----------------------------------------------------------------------------


def test_a_report_is_asked_for_once_and_computed_in_the_background(
    filled: Project,
    sent: list[tuple[str, Any]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first, second = asked(filled), asked(filled)

    assert first == second
    assert sent == [("scoring.tasks.report_prediction", first.pk)]
    assert first.status == "waiting"

    tasks.report_prediction(str(first.pk))

    report = newest_prediction(filled.pk, scorecard=CARD, outcome=OUTCOME)
    assert report == first
    assert report is not None
    assert (report.status, report.leads_done, report.leads_total) == ("done", LEADS, LEADS)
    assert load_report(report.content).leads == LEADS


def test_a_report_whose_task_was_lost_is_started_again(
    filled: Project,
    sent: list[tuple[str, Any]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = asked(filled)
        PredictionReport.objects.update(alive_at=NOW - timedelta(minutes=3))
        second = asked(filled)

    assert first == second
    assert [key for _, key in sent] == [first.pk, first.pk]


def test_a_finished_report_is_not_computed_again(filled: Project, sent: list[tuple[str, Any]]) -> None:
    report = done(filled)
    PredictionReport.objects.update(content={"kept": True})

    tasks.report_prediction(str(report.pk))
    tasks.report_prediction(str(uuid4()))

    report.refresh_from_db()
    assert report.content == {"kept": True}


def test_what_goes_wrong_stands_on_the_report(
    filled: Project, sent: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(prediction, "observe", fail)
    report = asked(filled)

    with pytest.raises(MemoryError):
        tasks.report_prediction(str(report.pk))

    report.refresh_from_db()
    assert (report.status, report.failure, report.content) == ("failed", "MemoryError: no more", None)
    assert asked(filled) != report


@pytest.mark.parametrize(
    ("scorecard", "outcome", "words"),
    [("Fit", OUTCOME, "No scorecard “Fit” is in force."), (CARD, "never_seen", "No event “never_seen”")],
)
def test_what_cannot_be_reported_on_is_refused_in_words(
    project: Project, scorecard: str, outcome: str, words: str
) -> None:
    store(project, [happened("ann", OUTCOME, 1)])

    refused = request_report(project.pk, scorecard=scorecard, outcome=outcome, by=None, now=NOW)

    assert isinstance(refused, Refused)
    assert words in refused.reason
    assert not PredictionReport.objects.exists()


def test_the_database_keeps_a_second_unfinished_report_out(filled: Project) -> None:
    PredictionReport.objects.create(project=filled, scorecard=CARD, outcome=OUTCOME)

    with pytest.raises(IntegrityError):
        PredictionReport.objects.create(project=filled, scorecard=CARD, outcome=OUTCOME)


def test_a_broker_that_is_away_does_not_keep_a_report_from_being_asked_for(
    filled: Project,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("away")

    monkeypatch.setattr("celery.app.base.Celery.send_task", refuse)

    with django_capture_on_commit_callbacks(execute=True):
        assert asked(filled).status == "waiting"


# --- Into the draft -----------------------------------------------------------------------------------------------


def test_suggestions_go_into_the_draft_and_nothing_in_force_changes(
    filled: Project, sent: list[tuple[str, Any]]
) -> None:
    pytest.importorskip("sklearn")
    report = done(filled)
    suggested = {each.name: each.suggested for each in load_report(report.content).rules}
    before = dict(Rule.objects.filter(scorecard__project=filled).values_list("name", "points"))
    in_force = timeline_of(filled.pk).latest

    drafted = draft_suggestion(filled.pk, report.pk)

    after = dict(Rule.objects.filter(scorecard__project=filled).values_list("name", "points"))
    assert after == {
        name: points if suggested[name] is None else Decimal(suggested[name] or 0) for name, points in before.items()
    }
    assert isinstance(drafted, Drafted)
    assert drafted.changed == sum(after[name] != before[name] for name in after)
    assert drafted.missing == ()
    assert timeline_of(filled.pk).latest is in_force
    assert difference(filled.pk).lines
    assert draft_suggestion(filled.pk, report.pk) == Drafted(changed=0, missing=())


def test_a_rule_that_has_left_the_draft_is_named(filled: Project, sent: list[tuple[str, Any]]) -> None:
    pytest.importorskip("sklearn")
    report = done(filled)
    Rule.objects.filter(scorecard__project=filled, name="Demo request").delete()

    drafted = draft_suggestion(filled.pk, report.pk)

    assert isinstance(drafted, Drafted)
    assert drafted.missing == ("Demo request",)


def test_a_report_without_suggestions_changes_no_draft(
    filled: Project, sent: list[tuple[str, Any]], without_sklearn: None
) -> None:
    report = done(filled)

    assert isinstance(draft_suggestion(filled.pk, report.pk), Refused)


# --- Whose it is --------------------------------------------------------------------------------------------------


def test_another_projects_leads_events_and_reports_play_no_part(filled: Project, sent: list[tuple[str, Any]]) -> None:
    alone = report_on(filled)
    other = make_project("Other")
    fill(other, leads=120, seed=2)
    theirs = done(other)
    before = list(Rule.objects.filter(scorecard__project=other).order_by("pk").values_list("points", flat=True))

    assert report_on(filled) == alone
    assert newest_prediction(filled.pk) is None
    assert isinstance(draft_suggestion(filled.pk, theirs.pk), Refused)
    assert list(Rule.objects.filter(scorecard__project=other).order_by("pk").values_list("points", flat=True)) == before


# --- The command --------------------------------------------------------------------------------------------------


@pytest.fixture
def run_command() -> Callable[..., str]:
    def run(*arguments: str) -> str:
        printed = StringIO()
        call_command("predict", *arguments, stdout=printed)
        return printed.getvalue()

    return run


def test_the_command_prints_the_report(filled: Project, run_command: Callable[..., str]) -> None:
    printed = run_command("--project", "Acme", "--outcome", OUTCOME)

    assert f"{LEADS} leads" in printed
    assert "Demo request" in printed
    assert "predicts it" in printed
    assert "says nothing either way" in printed
    assert "Not which rules cause" in printed
    assert not PredictionReport.objects.exists()


def test_the_command_says_in_words_that_there_is_too_little(project: Project, run_command: Callable[..., str]) -> None:
    fill(project, leads=30)

    printed = run_command("--project", str(project.pk), "--outcome", OUTCOME)

    assert "With fewer than 50" in printed


def test_the_command_refuses_what_does_not_exist(project: Project, run_command: Callable[..., str]) -> None:
    with pytest.raises(CommandError, match="no project"):
        run_command("--project", "Nobody", "--outcome", OUTCOME)
    with pytest.raises(CommandError, match="No event"):
        run_command("--project", "Acme", "--outcome", "never_seen")


def test_the_same_leads_in_another_order_get_the_same_points(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    first = report_on(filled)
    in_order = vars(Collector)["sample"].fget
    monkeypatch.setattr(Collector, "sample", property(lambda self: list(reversed(in_order(self)))))

    second = report_on(filled)

    assert [each.suggested for each in first.rules] == [each.suggested for each in second.rules]
    assert first.suggestion == second.suggestion
