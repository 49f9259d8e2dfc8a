"""The report in words and as text, the same for whoever reads it on a page or in a terminal."""

from decimal import Decimal

from scoring.core.points import in_words
from scoring.core.prediction.intervals import Rate, Ratio
from scoring.core.prediction.report import Report, RuleEvidence, Suggestion

VERDICTS = {
    "for": "predicts it",
    "against": "speaks against it",
    "open": "says nothing either way",
    "unseen": "cannot be compared",
}
CLEARLY = 0.02
"""How much larger an area must be to be worth new points: two more pairs of leads in a hundred put right."""

CAUTION = (
    "This tells which rules go together with the outcome. Not which rules cause it: leads who were about to sign "
    "anyway may be the ones who asked for a demo."
)


def percent(share: float | None) -> str:
    """Return a share as people write it: 8.3%, 62%, and – where there is none."""
    if share is None:
        return "–"
    per_cent = 100 * share
    return f"{per_cent:.0f}%" if per_cent >= 10 or per_cent == 0 else f"{per_cent:.1f}%"


def rate_in_words(rate: Rate) -> str:
    """Return a rate with its interval: 40 of 60 (54–77%)."""
    if not rate.leads:
        return "no leads"
    return f"{rate.converted:,} of {rate.leads:,}, {percent(rate.share)} ({percent(rate.low)} to {percent(rate.high)})"


def lift_in_words(lift: Ratio | None) -> str:
    """Return how many times as likely: 4.0× (2.5 to 6.5); at least so much where there is no upper bound."""
    if lift is None:
        return "–"
    if lift.value is None or lift.high is None:
        return f"at least {_times(lift.low)}×"
    return f"{_times(lift.value)}× ({_times(lift.low)} to {_times(lift.high)})"


def _times(value: float) -> str:
    if value == 0 or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def sentence_about(rule: RuleEvidence) -> str:
    """Return in a sentence what the leads say about a rule."""
    if rule.verdict == "unseen":
        if not rule.with_hit.leads:
            return "No lead had it before the outcome."
        if not rule.without.leads:
            return "Every lead had it, so there is nobody to compare with."
        return "Nobody converted, so there is nothing to compare."
    lift = lift_in_words(rule.lift)
    if rule.verdict == "open":
        return "Leads with it convert about as often as leads without, or too few have it to tell."
    return f"Leads with it convert {lift} as often as leads without."


def auc_in_words(report: Report) -> str:
    """Return what the area under the curve means, for somebody who has never heard of it."""
    if report.roc is None:
        return ""
    return (
        f"Take a lead that had “{report.outcome}” and one that did not: in {100 * report.roc.auc:.0f} of 100 such "
        f"pairs the first had the higher score (between {100 * report.roc.low:.0f} and {100 * report.roc.high:.0f}, "
        "to 95% confidence). 50 would be tossing a coin, 100 would be always right."
    )


def population_in_words(report: Report) -> list[str]:
    """Return who was counted and who was not, a sentence each."""
    others = report.leads - report.converted
    sentences = [
        f"{report.leads:,} leads with events: {report.converted:,} had “{report.outcome}”, {others:,} have not so far."
    ]
    if report.left_out:
        had = "1 more lead is" if report.left_out == 1 else f"{report.left_out:,} more leads are"
        sentences.append(f"{had} left out: “{report.outcome}” came before anything else, so nothing could foretell it.")
    if report.days_to_outcome is not None and report.too_young and not report.too_few:
        known = "1 lead without it has" if report.too_young == 1 else f"{report.too_young:,} leads without it have"
        sentences.append(
            f"Half of those who had it took {in_words(_days(report.days_to_outcome))} days or longer; {known} been "
            "known for less than that, and may still get there. They count as not converted."
        )
    return sentences


def _days(days: float) -> Decimal:
    return Decimal(f"{days:.1f}" if days < 10 else f"{days:.0f}")


def suggestion_in_words(suggestion: Suggestion) -> str:
    """Return how well the suggested points would do, or why there are none."""
    if suggestion.refused or suggestion.auc is None or suggestion.auc_today is None:
        return suggestion.refused
    no_better = suggestion.auc < suggestion.auc_today + CLEARLY
    return (
        f"On leads they had not seen, the suggested points put the right lead of a pair ahead in "
        f"{100 * suggestion.auc:.0f} of 100 cases; today's points do in {100 * suggestion.auc_today:.0f} "
        f"(both without fading and limits of groups, on {suggestion.leads:,} leads)."
        + (" That is not clearly better, so there is no reason to change." if no_better else "")
    )


def between(low: float, high: float) -> str:
    """Return a band of scores: 5 to 10, or 15."""
    first, last = in_words(Decimal(str(low))), in_words(Decimal(str(high)))
    return first if first == last else f"{first} to {last}"


def text_of(report: Report) -> str:
    """Return the whole report as plain text."""
    lines = [
        f"Which rules of “{report.scorecard}” predict “{report.outcome}”?",
        "",
        *population_in_words(report),
        "",
    ]
    if report.too_few:
        return "\n".join([*lines, report.too_few, ""])
    for rule in report.rules:
        lines += _about(rule)
    lines += ["", "Score just before the outcome (or now), and how many converted", ""]
    lines += [f"  {between(band.lowest, band.highest):<20} {rate_in_words(band.rate)}" for band in report.bins]
    lines += ["", auc_in_words(report), ""]
    if report.suggestion is not None:
        lines += [suggestion_in_words(report.suggestion), ""]
    return "\n".join([*lines, CAUTION, ""])


def _about(rule: RuleEvidence) -> list[str]:
    suggested = "" if rule.suggested is None else f", suggested {in_words(Decimal(rule.suggested))}"
    lines = [f"{rule.name}: {VERDICTS[rule.verdict]} ({in_words(Decimal(str(rule.points)))} points{suggested})"]
    if rule.lift is None:
        lines.append(f"    {sentence_about(rule)}")
    else:
        lines += [
            f"    with     {rate_in_words(rule.with_hit)}",
            f"    without  {rate_in_words(rule.without)}",
            f"    lift     {lift_in_words(rule.lift)}",
        ]
    return [*lines, f"    {rule.remark}"] if rule.remark else lines
