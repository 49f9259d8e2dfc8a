"""The automations of the demo project. They work without the internet, so a first look sees them happen."""

from uuid import UUID

from django.db import transaction

from automation.core.triggers import Direction
from automation.models import Action, Automation


@transaction.atomic
def create_demo_automations(project_id: UUID, *, email: str) -> None:
    """Create the demo's two automations, which write to `email`; one that is there by name stays as it is."""
    hot, created = Automation.objects.get_or_create(
        project_id=project_id,
        name="Hot lead: tell sales",
        defaults={
            "trigger": Automation.Trigger.STAGE_CHANGE,
            "to_stage": "hot",
            "direction": Direction.UP.value,
        },
    )
    if created:
        Action.objects.create(automation=hot, position=0, kind=Action.Kind.ASSIGN)
        Action.objects.create(
            automation=hot,
            position=1,
            kind=Action.Kind.EMAIL,
            recipients=email,
            subject="{lead} is hot ({score} points)",
            message="{lead} went from {old_stage} to {stage} after {event}.\nIt is {owner}'s lead now.\n\n{url}\n",
        )
    signed, created = Automation.objects.get_or_create(
        project_id=project_id,
        name="Contract signed: celebrate",
        defaults={"trigger": Automation.Trigger.EVENT, "event_type": "contract_signed"},
    )
    if created:
        Action.objects.create(
            automation=signed,
            kind=Action.Kind.EMAIL,
            recipients=email,
            subject="{lead} has signed",
            message="{lead} has signed, with {score} points.\n\n{url}\n",
        )
