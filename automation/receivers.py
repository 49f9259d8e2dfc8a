"""Turn what scoring found into runs, and tell what a preview would mean for automations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from automation.preview import matches
from automation.services.runs import record_runs
from scoring.core.preview import Tally
from scoring.signals import LeadOutcome, previewed, scored


@receiver(scored, dispatch_uid="automation.record_runs")
def record_runs_of_outcomes(sender: object, *, outcomes: Sequence[LeadOutcome], **_: Any) -> None:
    """Record what fired, in the transaction that scores."""
    record_runs(outcomes)


@receiver(previewed, dispatch_uid="automation.matches")
def tell_which_automations_match(sender: object, *, project_id: UUID, tally: Tally, **_: Any) -> dict[str, Any]:
    """Add to a preview which automations its moves match."""
    return {"automations": matches(project_id, tally)}
