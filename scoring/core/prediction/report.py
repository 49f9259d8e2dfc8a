"""The report: what the leads of a project say about the rules and the score of one scorecard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import TypeAdapter

from scoring.core.prediction.collector import Collector
from scoring.core.prediction.intervals import Rate, Ratio, rate_of, ratio_of
from scoring.core.prediction.ranking import Bin, Roc, bins_of, levels_of, roc_of

ENOUGH = 50
"""Outcomes, and leads without one, from which on the numbers are worth showing."""

Verdict = Literal["for", "against", "open", "unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEvidence:
    """One rule: conversion of the leads with a hit and without, and what follows.

    `verdict` is `for` or `against` when the whole interval of the lift lies above or below 1, `open` when it holds 1,
    `unseen` when all leads have a hit or none has. `suggested` is None where `remark` says why there is no suggestion.
    """

    name: str
    points: float
    with_hit: Rate
    without: Rate
    lift: Ratio | None
    verdict: Verdict
    suggested: int | None
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Whole points per rule that a model found, how well they and today's points rank, and remarks on the others.

    Both areas are on the same leads and without fading and groups; `auc` is that of leads the model had not seen.
    `refused` says in words why there are no points.
    """

    points: Mapping[str, int]
    remarks: Mapping[str, str]
    auc: float | None = None
    auc_today: float | None = None
    leads: int = 0
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything the page and the command show. `too_few` says in words why there are no numbers.

    `left_out` leads had the outcome before anything else, so nothing could have foretold it. Half of the converted
    leads took `days_to_outcome` days or less; `too_young` of the others have been known for less than that.
    """

    scorecard: str
    outcome: str
    leads: int
    converted: int
    left_out: int
    too_young: int
    days_to_outcome: float | None
    too_few: str
    rules: tuple[RuleEvidence, ...] = ()
    bins: tuple[Bin, ...] = ()
    roc: Roc | None = None
    suggestion: Suggestion | None = None


_ADAPTER = TypeAdapter(Report)


def dump_report(report: Report) -> dict[str, Any]:
    """Return the JSON-able tree that `load_report` reads back."""
    return cast("dict[str, Any]", _ADAPTER.dump_python(report, mode="json"))


def load_report(tree: object) -> Report:
    """Return the report that `dump_report` wrote."""
    return _ADAPTER.validate_python(tree)


def too_few(converted: int, leads: int, *, outcome: str) -> str:
    """Return in words why there is nothing to report, or nothing if there is enough."""
    others = leads - converted
    if converted < ENOUGH:
        return (
            f"{_count(converted, 'lead has', 'leads have')} had “{outcome}” so far. With fewer than {ENOUGH} any "
            "difference between rules may be chance, so there are no numbers yet. Come back when there are more."
        )
    if others < ENOUGH:
        return (
            f"{_count(others, 'lead has', 'leads have')} not had “{outcome}”. With fewer than {ENOUGH} to compare "
            "with any difference between rules may be chance, so there are no numbers."
        )
    return ""


def _count(number: int, one: str, many: str) -> str:
    return f"{'No' if number == 0 else f'Only {number}'} {one if number == 1 else many}"


def make_report(
    collected: Collector,
    *,
    scorecard: str,
    outcome: str,
    points: Mapping[str, float],
    left_out: int,
    suggestion: Suggestion | None,
) -> Report:
    """Return the report of the leads collected; `points` are those of each rule today."""
    converted = len(collected.converted)
    leads = converted + len(collected.others)
    refused = too_few(converted, leads, outcome=outcome)
    if refused:
        rules: tuple[RuleEvidence, ...] = ()
        bins: tuple[Bin, ...] = ()
        roc = None
    else:
        levels = levels_of(collected.converted, collected.others)
        bins, roc = bins_of(levels), roc_of(levels)
        rules = tuple(
            evidence_of(name, collected, points=points[name], suggestion=suggestion) for name in collected.rules
        )
    return Report(
        scorecard=scorecard,
        outcome=outcome,
        leads=leads,
        converted=converted,
        left_out=left_out,
        too_young=collected.too_young,
        days_to_outcome=collected.days_to_outcome,
        too_few=refused,
        rules=rules,
        bins=bins,
        roc=roc,
        suggestion=None if refused else suggestion,
    )


def evidence_of(name: str, collected: Collector, *, points: float, suggestion: Suggestion | None) -> RuleEvidence:
    """Return what the leads say about one rule."""
    converted = len(collected.converted)
    leads = converted + len(collected.others)
    tally = collected.tallies[name]
    with_hit = rate_of(tally.converted, tally.leads)
    without = rate_of(converted - tally.converted, leads - tally.leads)
    lift = ratio_of(with_hit, without)
    return RuleEvidence(
        name=name,
        points=points,
        with_hit=with_hit,
        without=without,
        lift=lift,
        verdict=_verdict(lift),
        suggested=None if suggestion is None else suggestion.points.get(name),
        remark="" if suggestion is None else suggestion.remarks.get(name, ""),
    )


def _verdict(lift: Ratio | None) -> Verdict:
    if lift is None:
        return "unseen"
    if lift.low > 1:
        return "for"
    return "against" if lift.high is not None and lift.high < 1 else "open"
