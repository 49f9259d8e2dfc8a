"""Why an automation fires, and why it fired, in words."""

from collections.abc import Mapping

from automation.core.triggers import Direction, EventTrigger, StageTrigger


def when_it_fires(trigger: StageTrigger | EventTrigger) -> str:
    """Return what sets a trigger off, such as “A lead's stage rises from warm to hot”."""
    if isinstance(trigger, EventTrigger):
        return f"A lead has an event {trigger.event_type}"
    verb = {Direction.EITHER: "changes", Direction.UP: "rises", Direction.DOWN: "falls"}[trigger.direction]
    origin = f" from {trigger.from_stage}" if trigger.from_stage else ""
    goal = f" to {trigger.to_stage}" if trigger.to_stage else ""
    return f"A lead's stage {verb}{origin}{goal}"


def why_it_fired(crossing: str, facts: Mapping[str, object]) -> str:
    """Return why a run came about, such as “cold → hot, by demo_request” or “demo_request”."""
    if not crossing:
        return str(facts["eventType"])
    return f"{facts['oldStage']} → {facts['newStage']}, by {what_happened(facts)}"


def what_happened(facts: Mapping[str, object]) -> str:
    """Return what brought a run about, in words: the type of an event, or that time did."""
    event_type = facts["eventType"]
    if event_type is None:
        return "fading"
    return "an adjustment" if event_type == "adjustment" else str(event_type)
