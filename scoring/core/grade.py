"""The grade of a lead: how well it fits and how much it engages, in one letter and one digit, such as A1.

The letter (A best, D worst) is the stage on the first scorecard that scores traits, the digit (1 best, 4 worst) the
stage on the primary scorecard, each scaled to four steps. This is the grid that sales teams use to sort leads by.
"""

from collections.abc import Mapping

from scoring.core.ruleset import Ruleset
from scoring.core.stages import StageTable

_LETTERS = "DCBA"
_DIGITS = "4321"


def grade(ruleset: Ruleset, stages: Mapping[str, str]) -> str | None:
    """Return the grade of a lead that stands in `stages` (scorecard → stage); `None` without a scorecard on traits."""
    fit = next((card for card in ruleset.cards if card.basis == "traits" and card is not ruleset.primary), None)
    if fit is None or fit.name not in stages or ruleset.primary.name not in stages:
        return None
    letter = _LETTERS[_step(fit.stages, stages[fit.name])]
    return letter + _DIGITS[_step(ruleset.primary.stages, stages[ruleset.primary.name])]


def _step(table: StageTable, stage: str) -> int:
    """Return where a stage stands between the lowest (0) and the highest (3)."""
    highest = len(table.names) - 1
    return 0 if highest == 0 else table.ranks.get(stage, 0) * 3 // highest
