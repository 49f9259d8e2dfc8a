"""Which automations the moves of a previewed rescore match, so that people see what a new version means for them.

A rescore itself fires nothing; these are the runs there would have been had the leads moved by new events.
"""

from typing import Any
from uuid import UUID

from automation.core.triggers import Direction, StageTrigger
from automation.models import Automation
from automation.services.runs import trigger_of
from scoring.core.preview import Crossed, Tally


def matches(project_id: UUID, tally: Tally) -> list[dict[str, Any]]:
    """Return the active automations that the tally's crossings match, with how often, the most first."""
    automations = Automation.objects.filter(
        project=project_id, active=True, trigger=Automation.Trigger.STAGE_CHANGE
    ).order_by("name")
    found = []
    for automation in automations:
        trigger = trigger_of(automation)
        count = sum(
            count
            for crossed, count in tally.crossings.items()
            if isinstance(trigger, StageTrigger) and _matches(trigger, crossed)
        )
        if count:
            found.append({"id": str(automation.pk), "name": automation.name, "count": count})
    return sorted(found, key=lambda each: -each["count"])


def _matches(trigger: StageTrigger, crossed: Crossed) -> bool:
    old, new, rising = crossed
    if trigger.from_stage not in ("", old) or trigger.to_stage not in ("", new):
        return False
    return trigger.direction is Direction.EITHER or rising is (trigger.direction is Direction.UP)
