"""What happened, and who did it: projects, their keys and members, leads, identifiers and the event log.

The event log is append-only and is the truth: scores, history and stages are projections of it.
Only `ingest.services` writes these tables.
"""

import zoneinfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from ingest.core.keys import KeyKind
from ingest.ids import new_id


class User(AbstractUser):
    """A person who logs in. What they may see is decided by their memberships."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    def __str__(self) -> str:
        return self.get_full_name() or self.username


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Use a name such as Europe/Berlin or UTC.")


class Project(models.Model):
    """A tenant. Everything but people belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Where a day begins for “per day” limits and charts, such as Europe/Berlin.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in a project: they see its leads and can be assigned some."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    takes_leads = models.BooleanField(
        default=True, help_text="Whether automations that assign leads in turn may choose this person."
    )
    last_assigned_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once_per_project")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"


class ApiKey(models.Model):
    """A key that opens one project. The secret itself is not stored: `digest` is its SHA-256.

    A write key stands in web pages, so it is no secret and `token` keeps it for the snippet.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.label) for kind in KeyKind])
    name = models.CharField(max_length=100, blank=True, help_text="Where this key is used.")
    hint = models.CharField(max_length=16, editable=False, help_text="The first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    token = models.CharField(max_length=64, blank=True, editable=False)
    allowed_origins = models.JSONField(default=list, blank=True)
    events_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many events a minute this key may send. Empty: no limit."
    )
    active = models.BooleanField(default=True, help_text="An inactive key is refused with 401.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.hint}… {self.name}".strip()


class Lead(models.Model):
    """A person or account that a project's events belong to. What is known of them follows from their events."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="leads")
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    company = models.CharField(max_length=200, blank=True)
    traits = models.JSONField(default=dict, blank=True)
    trait_clock = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Per trait, the event that set it last, in event order."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="leads"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="lead_newest"),
            models.Index(fields=["project", "email"], name="lead_by_email"),
            models.Index(fields=["project", "name"], name="lead_by_name"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Return what to call the lead on a page: name, else e-mail, else the end of its id."""
        return self.name or self.email or f"Anonymous {str(self.id)[-6:]}"


class Identifier(models.Model):
    """A name by which a client knows a lead. It points at one lead of its project."""

    class Kind(models.TextChoices):
        USER_ID = "user_id", "User id"
        EMAIL = "email", "E-mail"
        ANONYMOUS_ID = "anonymous_id", "Anonymous id"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = models.CharField(max_length=254)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="identifiers")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "value"], name="identifier_names_one_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"


class Event(models.Model):
    """One line of the event log. It is never changed and never dropped.

    `occurred_at` decides the order (ties by `event_id`); the other times say how it came about.
    """

    class Kind(models.TextChoices):
        ACTIVITY = "activity", "Something the lead did"
        PROFILE = "profile", "What somebody entered about the lead"
        ADJUSTMENT = "adjustment", "Points that somebody gave or took by hand"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=100)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ACTIVITY)
    event_type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    timestamp = models.DateTimeField(null=True, help_text="The client's own clock, as it was sent.")
    session_id = models.CharField(max_length=100, blank=True)
    properties = models.JSONField(default=dict)
    traits = models.JSONField(default=dict)
    context = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "event_id"], name="event_once_per_project"),
        ]
        indexes = [
            models.Index(fields=["lead", "occurred_at"], name="event_of_lead"),
            models.Index(
                fields=["lead", "session_id", "occurred_at"],
                name="event_of_session",
                condition=~models.Q(session_id=""),
            ),
            models.Index(fields=["project", "-id"], name="event_newest"),
            models.Index(fields=["project", "event_type", "-id"], name="event_newest_of_type"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class PendingEvent(models.Model):
    """A mark that an event is stored but not scored yet. Written with the event, removed with its score.

    It stands beside the log, not in it, so that the log stays append-only and the queue narrow.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="pending")
    lead_id = models.UUIDField()
    slot = models.PositiveSmallIntegerField(help_text="Which of the lead slots the lead hashes to.")
    due_at = models.DateTimeField(help_text="Not to be scored before; moved back when scoring it failed.")
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["slot", "due_at", "lead_id"], name="pending_by_slot"),
            models.Index(fields=["lead_id"], name="pending_by_lead"),
        ]

    def __str__(self) -> str:
        return f"Event {self.pk}, due {self.due_at:%Y-%m-%d %H:%M:%S}"
