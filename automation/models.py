"""What we do about a score: automations people edit, the runs they caused, and the deliveries of each run.

Runs are written in the transaction that scores, so that an effect is neither lost nor doubled by a crash.
Only `automation.services` writes the tables of runs and deliveries.
"""

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from automation.core.triggers import Direction
from ingest.core.secrets import new_signing_secret
from ingest.ids import new_id
from ingest.models import Lead, Project


class Automation(models.Model):
    """When this happens to a lead, carry out these actions."""

    class Trigger(models.TextChoices):
        STAGE_CHANGE = "stage_change", "A lead's stage changes"
        EVENT = "event", "A lead has an event"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="automations")
    name = models.CharField(max_length=100)
    active = models.BooleanField(default=True)
    trigger = models.CharField(max_length=16, choices=Trigger.choices, default=Trigger.STAGE_CHANGE)
    from_stage = models.CharField(max_length=30, blank=True, help_text="Empty: from any stage.")
    to_stage = models.CharField(max_length=30, blank=True, help_text="Empty: to any stage.")
    direction = models.CharField(
        max_length=6,
        choices=[
            (Direction.EITHER.value, "Up or down"),
            (Direction.UP.value, "Only up: the score has risen"),
            (Direction.DOWN.value, "Only down: the score has fallen"),
        ],
        default=Direction.EITHER.value,
        help_text="“Only up”: cooling down to a stage is not reaching it.",
    )
    event_type = models.CharField(
        max_length=64,
        blank=True,
        validators=[RegexValidator(r"^[A-Za-z0-9_]+$", "Use letters, digits and underscores, as in demo_request.")],
        help_text="For “A lead has an event”: which one, such as demo_request.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="automation_name_once_per_project")]

    def __str__(self) -> str:
        return self.name


class Action(models.Model):
    """One thing an automation does. Actions of an automation are carried out by ascending position."""

    class Kind(models.TextChoices):
        EMAIL = "email", "Send an e-mail"
        SLACK = "slack", "Post to Slack"
        WEBHOOK = "webhook", "Call a signed webhook"
        ASSIGN = "assign", "Assign to a member in turn"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="actions")
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Lower ones come first: assign before you write to the owner."
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    active = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=200, blank=True, editable=False)
    recipients = models.CharField(
        max_length=500, blank=True, help_text="Addresses, separated by commas. Empty: the lead's owner."
    )
    subject = models.CharField(max_length=200, blank=True, help_text="May use the same placeholders as the message.")
    message = models.TextField(
        blank=True,
        help_text="Words in braces such as {lead} are filled in.",
    )
    # Not a URLField: that one refuses names without a dot, such as those of containers next door.
    url = models.CharField("URL", max_length=500, blank=True, help_text="Where to post: https://…")
    secret = models.CharField(
        max_length=300,
        blank=True,
        help_text="Signs requests (whsec_…). Empty: one is made. To rotate: old and new.",
    )

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.get_kind_display()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.kind == self.Kind.WEBHOOK and not self.secret:
            self.secret = new_signing_secret()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "secret"}
        super().save(*args, **kwargs)


class Run(models.Model):
    """One firing of an automation for a lead: what happened, to whom, and when.

    Its id follows from what makes it unique, so that writing it again is no second run.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs", db_index=False)
    automation = models.ForeignKey(Automation, on_delete=models.CASCADE, related_name="runs", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="runs")
    cause = models.CharField(max_length=120, help_text="The primary key of an event, or decay:<scorecard>:<time>.")
    crossing = models.CharField(max_length=64, blank=True, help_text="Which stages were crossed, such as cold>warm.")
    facts = models.JSONField(default=dict, help_text="What was true then: event type, scores, stages.")
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["automation", "lead", "cause", "crossing"], name="run_once_per_cause")
        ]
        indexes = [models.Index(fields=["project", "-id"], name="run_newest")]

    def __str__(self) -> str:
        return f"{self.automation_id} for {self.lead_id}"


class Delivery(models.Model):
    """One action of a run on its way: tried until it is delivered or has failed for good.

    `due_at` is also the lease: whoever tries a delivery first moves it to when the attempt must be over.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    action = models.ForeignKey(Action, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=Action.Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, default=timezone.now, help_text="When to try next.")
    detail = models.CharField(max_length=500, blank=True, help_text="What the last attempt led to, in words.")
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "action"], name="delivery_once_per_run_and_action")]
        indexes = [models.Index(fields=["status", "due_at"], name="delivery_due")]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_status_display()}"
