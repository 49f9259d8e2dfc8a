"""Find out in the background which rules foretell an outcome, and put suggested points into the draft.

A report only reads, a chunk of leads at a time, so it may be killed and repeated, and run while events arrive.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from ingest import database
from ingest.background import start
from ingest.models import Event, Lead, User
from ingest.selectors import counting
from scoring.core.prediction.collector import Collector
from scoring.core.prediction.report import Report, dump_report, load_report, make_report
from scoring.models import PredictionReport, Rule
from scoring.observations import observe
from scoring.regression import suggest
from scoring.services.rescore import batches
from scoring.timelines import timeline_of

Status = PredictionReport.Status
UNFINISHED = (Status.WAITING, Status.RUNNING)
SILENT_AFTER = timedelta(minutes=2)
PROGRESS_SECONDS = 1.0

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """There is nothing to report on; `reason` says in words why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """How many rules of the draft have new points, and which suggestions found no rule of their name there."""

    changed: int
    missing: tuple[str, ...]


def request_report(
    project_id: UUID, *, scorecard: str, outcome: str, by: User | None, now: datetime
) -> PredictionReport | Refused:
    """Start a report in the background and return it, or the one that is under way already.

    One that has been silent for two minutes (its task was lost, its worker killed) is started again.
    """
    refused = refusal(project_id, scorecard=scorecard, outcome=outcome)
    if refused:
        return refused

    def work() -> PredictionReport:
        asked = {"project_id": project_id, "scorecard": scorecard, "outcome": outcome}
        report = PredictionReport.objects.filter(status__in=UNFINISHED, **asked).first()
        if report is not None and report.alive_at > now - SILENT_AFTER:
            return report
        if report is None:
            report = PredictionReport(**asked, requested_by=by, requested_at=now)
        report.alive_at = now
        report.save()
        report_id = report.pk
        database.on_commit(lambda: start("scoring.tasks.report_prediction", report_id))
        return report

    return database.unit_of_work(work)


def refusal(project_id: UUID, *, scorecard: str, outcome: str) -> Refused | None:
    """Return why there can be no report on a scorecard and an outcome, None if there can."""
    card = timeline_of(project_id).latest.by_name.get(scorecard)
    if card is None:
        return Refused(reason=f"No scorecard “{scorecard}” is in force.")
    if card.basis != "events":
        return Refused(reason=f"“{scorecard}” rates what a lead is, not what it does, so it has no hits to count.")
    if not counting(Event.objects.filter(project=project_id, event_type=outcome)).exists():
        return Refused(reason=f"No event “{outcome}” has ever come in. Choose an outcome that has happened.")
    return None


def write_report(report_id: UUID) -> None:
    """Compute a requested report and store it, with progress on the way; a finished one is left as it is.

    Doing it twice at once costs time and nothing else. What goes wrong is told on the report, and raised.
    """
    report = PredictionReport.objects.filter(pk=report_id, status__in=UNFINISHED).first()
    if report is None:
        return
    ours = PredictionReport.objects.filter(pk=report_id)
    total = Lead.objects.filter(project=report.project_id, merged_into=None).count()
    ours.update(status=Status.RUNNING, leads_total=total, leads_done=0, alive_at=timezone.now())
    try:
        found = predict(
            report.project_id,
            scorecard=report.scorecard,
            outcome=report.outcome,
            now=timezone.now(),
            progress=_every_second(lambda done: ours.update(leads_done=done, alive_at=timezone.now())),
        )
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"[:500]
        ours.update(status=Status.FAILED, failure=failure, finished_at=timezone.now())
        raise
    ours.update(
        status=Status.DONE, leads_done=total, content=dump_report(found), failure="", finished_at=timezone.now()
    )


def _every_second(tell: Progress) -> Progress:
    told = time.monotonic()

    def progress(done: int) -> None:
        nonlocal told
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            tell(done)

    return progress


def predict(project_id: UUID, *, scorecard: str, outcome: str, now: datetime, progress: Progress) -> Report:
    """Return the report on a scorecard in force; `progress` is told how many leads have been looked at."""
    ruleset = timeline_of(project_id).latest
    card = ruleset.by_name[scorecard]
    spec = next(each for each in ruleset.spec.scorecards if each.name == scorecard)
    collected = Collector([rule.name for rule in card.rules])
    done = left_out = 0
    for chunk in batches(project_id):
        observed = observe(chunk, card=card, outcome=outcome, now=now)
        for seen in observed.leads:
            collected.add(seen)
        left_out += observed.left_out
        done += len(chunk)
        progress(done)
    return make_report(
        collected,
        scorecard=scorecard,
        outcome=outcome,
        points={rule.name: rule.points / 100 for rule in card.rules},
        left_out=left_out,
        suggestion=suggest(collected, spec=spec, card=card),
    )


def draft_suggestion(project_id: UUID, report_id: UUID) -> Drafted | Refused:
    """Write a report's suggested points into the draft's rules of the same names; what is in force does not change."""
    report = PredictionReport.objects.filter(project=project_id, pk=report_id, status=Status.DONE).first()
    suggestion = load_report(report.content).suggestion if report else None
    if report is None or suggestion is None or not suggestion.points:
        return Refused(reason="This report suggests no points.")
    scorecard = report.scorecard

    def work() -> Drafted:
        rules = Rule.objects.filter(scorecard__project=project_id, scorecard__name=scorecard)
        found = {rule.name: rule for rule in rules.filter(name__in=suggestion.points)}
        changed = [rule for name, rule in found.items() if rule.points != suggestion.points[name]]
        for rule in changed:
            rule.points = Decimal(suggestion.points[rule.name])
        Rule.objects.bulk_update(changed, ["points"])
        return Drafted(changed=len(changed), missing=tuple(sorted(suggestion.points.keys() - found.keys())))

    return database.unit_of_work(work)
