"""Give the lead to the member whose turn it is."""

from automation.core.outcomes import Outcome, Verdict
from automation.errands import Errand
from ingest.services.assignment import assign_in_turn


def assign(errand: Errand) -> Outcome:
    """Assign the lead; one that has an owner keeps it, so doing it twice is doing it once."""
    assignment = assign_in_turn(errand.lead_id)
    if assignment.owner is None:
        return Outcome(verdict=Verdict.RETRY, detail="No member of the project takes leads.")
    if assignment.kept:
        return Outcome(verdict=Verdict.DELIVERED, detail=f"{assignment.owner} already owns the lead.")
    return Outcome(verdict=Verdict.DELIVERED, detail=f"Assigned to {assignment.owner}.")
