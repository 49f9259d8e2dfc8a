"""Suggest points by a logistic regression. Needs scikit-learn, which is optional: without it a sentence says so."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.core.points import to_hundredths
from scoring.core.prediction.collector import Collector, Observation
from scoring.core.prediction.points import Scale, whole_points
from scoring.core.prediction.ranking import auc_of, levels_of
from scoring.core.prediction.report import ENOUGH, Suggestion
from scoring.core.ruleset import Card
from scoring.core.schema import ScorecardSpec

NOT_INSTALLED = (
    "Suggested points need scikit-learn, which is not installed. Everything else works without it; "
    "to have suggestions, run: pip install -r requirements-predict.txt"
)
MIN_LEADS = 20
ENOUGH_TO_CHOOSE = 100
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    names: tuple[str, ...]
    coefficients: dict[str, float]
    auc: float


def suggest(collected: Collector, *, spec: ScorecardSpec, card: Card) -> Suggestion:
    """Return whole points per active rule of a scorecard, or in words why there are none.

    The model is log-odds(outcome) = b₀ + Σ bᵣ·xᵣ, where xᵣ is how often rule r counted for the lead before the outcome
    (what the rule's own limit refused is no part of it): the same sum as a score, so the bᵣ are points up to a scale,
    which `whole_points` chooses. Counts are cut off at the 99th percentile of the leads with any, so that one robot
    does not decide; they are divided by their standard deviation and penalised by L2, whose strength is chosen
    by five-fold cross-validated log-loss where there are a hundred leads of either kind, else C = 1.

    A rule does not change sides: where the model would take points for what gives points today (or the reverse), the
    rule is taken out, gets 0 and a remark, and the rest is fitted again. A rule worth 0 today may go either way. A rule
    in which fewer than twenty leads differ from the rest keeps its points.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError:
        return Suggestion(points={}, remarks={}, refused=NOT_INSTALLED)
    # The folds are drawn by place. In an order of their own, the same leads give the same points, whatever their ids.
    sample = sorted(collected.sample, key=lambda seen: (seen.converted, sorted(seen.hits.items())))
    converted = sum(seen.converted for seen in sample)
    if min(converted, len(sample) - converted) < ENOUGH:
        return Suggestion(points={}, remarks={}, refused="Too few leads with or without the outcome to suggest points.")
    today = {rule.name: to_hundredths(rule.points) for rule in spec.rules if rule.active}
    usable, remarks = _usable(sample, list(today))
    if not usable:
        return Suggestion(
            points={}, remarks=remarks, refused="There is no rule in which enough leads differ to suggest points."
        )
    fit = _fit(sample, usable, {name: _sign(points) for name, points in today.items()})
    turned = [name for name in usable if name not in fit.names]
    remarks |= dict.fromkeys(
        turned, "Beside the other rules it adds nothing in its present direction, so it gets no points."
    )
    points = whole_points(
        fit.coefficients | dict.fromkeys(turned, 0.0),
        current=today,
        leads=[seen.hits for seen in collected.typical],
        scale=Scale(stages=card.stages, floor=card.floor, cap=card.cap),
    )
    return Suggestion(
        points=points,
        remarks=remarks,
        auc=fit.auc,
        auc_today=_auc(sample, [_sum(seen, today) for seen in sample]),
        leads=len(sample),
    )


def _sum(seen: Observation, points: Mapping[str, int]) -> int:
    return sum(points.get(name, 0) * times for name, times in seen.hits.items())


def _sign(points: int) -> int:
    return (points > 0) - (points < 0)


def _usable(sample: Sequence[Observation], names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    usable: list[str] = []
    remarks: dict[str, str] = {}
    for name in names:
        counts = Counter(seen.hits.get(name, 0) for seen in sample)
        with_hit = len(sample) - counts[0]
        unlike_most = len(sample) - max(counts.values())
        if with_hit == 0:
            remarks[name] = "No lead had it before the outcome, so it keeps its points."
        elif min(with_hit, unlike_most) < MIN_LEADS:
            remarks[name] = f"Fewer than {MIN_LEADS} leads differ from the rest in it, so it keeps its points."
        else:
            usable.append(name)
    return usable, remarks


def _fit(sample: Sequence[Observation], names: Sequence[str], signs: Mapping[str, int]) -> _Fit:
    """Return the model of the rules that keep their sides, with the area it reaches on leads it has not seen."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    outcome = np.array([seen.converted for seen in sample])
    counts = np.array([[seen.hits.get(name, 0) for name in names] for seen in sample], dtype=float)
    for column in counts.T:
        column[:] = np.minimum(column, np.percentile(column[column > 0], 99))
    spread = counts.std(axis=0)
    standard = (counts - counts.mean(axis=0)) / spread
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    strength = _strength(standard, outcome, folds)
    kept = np.arange(len(names))
    wanted = np.array([signs[name] for name in names])
    while len(kept):
        model = LogisticRegression(C=strength, max_iter=1_000).fit(standard[:, kept], outcome)
        stays = model.coef_[0] * wanted[kept] >= 0
        if stays.all():
            break
        kept = kept[stays]
    if not len(kept):
        return _Fit(names=(), coefficients={}, auc=0.5)
    areas = cross_val_score(
        LogisticRegression(C=strength, max_iter=1_000), standard[:, kept], outcome, cv=folds, scoring="roc_auc"
    )
    left = tuple(names[int(index)] for index in kept)
    return _Fit(
        names=left,
        coefficients=dict(zip(left, map(float, model.coef_[0] / spread[kept]), strict=True)),
        auc=float(areas.mean()),
    )


def _strength(standard: Any, outcome: Any, folds: Any) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    if min(outcome.sum(), len(outcome) - outcome.sum()) < ENOUGH_TO_CHOOSE:
        return 1.0
    losses = {
        strength: cross_val_score(
            LogisticRegression(C=strength, max_iter=1_000), standard, outcome, cv=folds, scoring="neg_log_loss"
        ).mean()
        for strength in STRENGTHS
    }
    return max(losses, key=lambda strength: losses[strength])


def _auc(sample: Sequence[Observation], scores: Sequence[int]) -> float:
    pairs = list(zip(sample, scores, strict=True))
    levels = levels_of(
        (score for seen, score in pairs if seen.converted), (score for seen, score in pairs if not seen.converted)
    )
    area = auc_of(levels)
    return 0.5 if area is None else area
