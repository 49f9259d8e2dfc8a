"""The page “Which rules predict?”: ask for a report, watch it being made, read it, put its points into the draft."""

from dataclasses import dataclass
from math import log2
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from leadscore.dashboard.access import Page, project_page
from scoring.core.prediction.intervals import Ratio
from scoring.core.prediction.report import Report, RuleEvidence, Verdict, load_report
from scoring.core.prediction.words import (
    CAUTION,
    VERDICTS,
    auc_in_words,
    between,
    lift_in_words,
    percent,
    population_in_words,
    rate_in_words,
    sentence_about,
    suggestion_in_words,
)
from scoring.models import PredictionReport
from scoring.selectors import newest_prediction
from scoring.services.prediction import Refused, draft_suggestion, request_report
from scoring.timelines import timeline_of

DOUBLINGS = 4.0
"""The lifts are drawn from a sixteenth to sixteen times as often."""

MIDDLE = 50.0
THIN = 0.8
CSS: dict[Verdict, str] = {"for": "good", "against": "bad", "open": "", "unseen": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which report the reader looks at; unknown scorecards count as the primary one."""

    scorecard: str
    outcome: str
    scorecards: tuple[str, ...]
    outcomes: tuple[str, ...]

    @property
    def query(self) -> str:
        return urlencode({"scorecard": self.scorecard, "outcome": self.outcome})


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftMark:
    """A lift and its interval on a line from 0 to 100 on which 50 is “as often”, and each doubling as long."""

    low: float
    width: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule as the table shows it."""

    rule: RuleEvidence
    verdict: str
    css: str
    sentence: str
    with_hit: str
    without: str
    interval_with: str
    interval_without: str
    lift: str
    mark: LiftMark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BinRow:
    """A band of scores as the table shows it."""

    between: str
    rate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A finished report in words, rows and the numbers of its charts."""

    report: Report
    population: tuple[str, ...]
    rows: tuple[RuleRow, ...]
    bins: tuple[BinRow, ...]
    calibration: dict[str, Any]
    roc: dict[str, Any]
    auc: str
    suggestion: str
    suggested: int
    caution: str = CAUTION


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def prediction(page: Page) -> HttpResponse:
    """Show the newest report on a scorecard and an outcome; a POST asks for one."""
    if page.request.method == "POST":
        return _ask(page)
    choice, report = _chosen(page)
    return page.live("_prediction", "prediction", section="prediction", choice=choice, **_state(page, report))


def _ask(page: Page) -> HttpResponse:
    choice = _choice(page, page.request.POST.get("scorecard"), page.request.POST.get("outcome"))
    asked = request_report(
        page.project.pk, scorecard=choice.scorecard, outcome=choice.outcome, by=page.user, now=timezone.now()
    )
    if isinstance(asked, Refused):
        state = _state(page, None)
        return page.render(
            "prediction", status=422, section="prediction", seen="", choice=choice, refused=asked.reason, **state
        )
    return redirect(f"{reverse('prediction', args=[page.project.pk])}?{choice.query}")


@require_POST
@project_page
def prediction_draft(page: Page, report_id: UUID) -> HttpResponse:
    """Put a report's suggested points into the draft, for those who may edit it."""
    report = PredictionReport.objects.filter(project=page.project.pk, pk=report_id).first()
    if report is None:
        raise Http404
    if not _may_edit(page):
        raise PermissionDenied
    drafted = draft_suggestion(page.project.pk, report.pk)
    if isinstance(drafted, Refused):
        messages.warning(page.request, drafted.reason)
    else:
        count = f"{drafted.changed} rule{'' if drafted.changed == 1 else 's'} of the draft"
        left = f" Not in the draft any more: {', '.join(drafted.missing)}." if drafted.missing else ""
        messages.success(page.request, f"{count} changed. No score changes before you publish it.{left}")
    query = urlencode({"scorecard": report.scorecard, "outcome": report.outcome})
    return redirect(f"{reverse('prediction', args=[page.project.pk])}?{query}")


def _may_edit(page: Page) -> bool:
    return page.user.is_staff and page.user.has_perm("scoring.change_scorecard")


def _chosen(page: Page) -> tuple[Choice, PredictionReport | None]:
    """Return what the address asks for; without an outcome the report that was asked for last."""
    query = page.request.GET
    if query.get("outcome"):
        choice = _choice(page, query.get("scorecard"), query.get("outcome"))
        return choice, newest_prediction(page.project.pk, scorecard=choice.scorecard, outcome=choice.outcome)
    report = newest_prediction(page.project.pk)
    if report is None:
        return _choice(page, query.get("scorecard"), ""), None
    return _choice(page, report.scorecard, report.outcome), report


def _choice(page: Page, scorecard: str | None, outcome: str | None) -> Choice:
    ruleset = timeline_of(page.project.pk).latest
    cards = [card for card in ruleset.cards if card.basis == "events"] or [ruleset.primary]
    names = tuple(card.name for card in cards)
    types = sorted({event_type for card in cards for event_type in card.by_type})
    return Choice(
        scorecard=scorecard if scorecard in names else names[0],
        outcome=(outcome or "").replace("\x00", "").strip()[:64],
        scorecards=names,
        outcomes=tuple(types),
    )


def _state(page: Page, report: PredictionReport | None) -> dict[str, Any]:
    found = findings_of(load_report(report.content)) if report is not None and report.content else None
    return {
        "report": report,
        "found": found,
        "unfinished": report is not None and report.status in {"waiting", "running"},
        "percent_done": 0 if report is None else round(100 * report.leads_done / max(report.leads_total, 1)),
        "may_edit": _may_edit(page),
    }


def findings_of(report: Report) -> Findings:
    """Return a report as the page shows it."""
    return Findings(
        report=report,
        population=tuple(population_in_words(report)),
        rows=tuple(_row(rule) for rule in sorted(report.rules, key=_weight)),
        bins=tuple(
            BinRow(between=between(band.lowest, band.highest), rate=rate_in_words(band.rate)) for band in report.bins
        ),
        calibration=_calibration(report),
        roc={"points": [{"x": x, "y": y} for x, y in report.roc.points]} if report.roc else {},
        auc=auc_in_words(report),
        suggestion=suggestion_in_words(report.suggestion) if report.suggestion else "",
        suggested=sum(rule.suggested is not None and rule.suggested != rule.points for rule in report.rules),
    )


def _weight(rule: RuleEvidence) -> tuple[int, float, str]:
    """Order rules by what they say: the surest first, what cannot be compared last."""
    if rule.lift is None:
        return 1, 0.0, rule.name
    sure = rule.lift.low if rule.verdict == "for" else 1 / rule.lift.high if rule.lift.high else 0.0
    return 0, -sure if rule.verdict != "open" else 0.0, rule.name


def _row(rule: RuleEvidence) -> RuleRow:
    return RuleRow(
        rule=rule,
        verdict=VERDICTS[rule.verdict],
        css=CSS[rule.verdict],
        sentence=sentence_about(rule),
        with_hit=percent(rule.with_hit.share),
        without=percent(rule.without.share),
        interval_with=rate_in_words(rule.with_hit),
        interval_without=rate_in_words(rule.without),
        lift=lift_in_words(rule.lift),
        mark=mark_of(rule.lift),
    )


def mark_of(lift: Ratio | None) -> LiftMark | None:
    """Return where to draw a lift and its interval; what lies beyond the ends of the line is drawn at its ends."""
    if lift is None:
        return None
    low, high = _place(lift.low), _place(lift.high)
    return LiftMark(low=low, width=round(max(high - low, THIN), 2), value=min(_place(lift.value), 2 * MIDDLE - THIN))


def _place(times: float | None) -> float:
    if times is None:
        return 2 * MIDDLE
    if times <= 0:
        return 0.0
    return round(MIDDLE + MIDDLE * max(-1.0, min(1.0, log2(times) / DOUBLINGS)), 2)


def _calibration(report: Report) -> dict[str, Any]:
    return {
        "labels": [between(band.lowest, band.highest) for band in report.bins],
        "shares": [100 * (band.rate.share or 0) for band in report.bins],
        "bounds": [[100 * (band.rate.low or 0), 100 * (band.rate.high or 0)] for band in report.bins],
        "words": [rate_in_words(band.rate) for band in report.bins],
    }
