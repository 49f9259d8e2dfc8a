"""Turn what scoring found into runs."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from automation.services.runs import record_runs
from scoring.signals import LeadOutcome, scored


@receiver(scored, dispatch_uid="automation.record_runs")
def record_runs_of_outcomes(sender: object, *, outcomes: Sequence[LeadOutcome], **_: Any) -> None:
    """Record what fired, in the transaction that scores."""
    record_runs(outcomes)
