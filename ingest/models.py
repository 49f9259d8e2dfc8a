"""What happened, and who did it: projects, their keys and members, leads, identifiers and the event log.

The event log is append-only and is the truth: scores, history and stages are projections of it.
Only `ingest.services` writes these tables.
"""

import secrets
import zoneinfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from ingest.core import bursts, signatures
from ingest.core.identity import DEFAULT_BLOCKED, DEFAULT_MAX_NAMES, Reason
from ingest.core.keys import KeyKind
from ingest.core.mapping import MAX_SLUG_LENGTH
from ingest.core.matching import KEY_LENGTH, Kind
from ingest.core.suppression import new_pseudonym_key
from ingest.ids import new_id

MAX_IDLE_DAYS = 10_000


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
    blocked_names = models.TextField(
        default="\n".join(DEFAULT_BLOCKED),
        blank=True,
        help_text="Ids and addresses that mean nobody in particular, such as “null” or “test@*”: one a line, * stands "
        "for anything. An event that carries one beside others is told by the others; no two leads become one by it.",
    )
    max_names_per_lead = models.PositiveIntegerField(
        default=DEFAULT_MAX_NAMES,
        validators=[MinValueValidator(1)],
        help_text="So many ids and addresses one person may have. A lead that has them all gets no more, and a merge "
        "that would exceed it is refused: a shared computer or a broken client must not swallow your leads.",
    )
    keeps_ip_addresses = models.BooleanField(
        "keeps IP addresses",
        default=False,
        help_text="Whether IP addresses that clients send with events are stored. Those sent before stay as they are.",
    )
    erase_after_idle_days = models.PositiveIntegerField(
        "erase after idle days",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_IDLE_DAYS)],
        help_text="People of whom nothing was heard for so many days are erased for good. Empty: never. "
        "The project's privacy page counts beforehand whom it would be.",
    )
    retention_cursor = models.UUIDField(
        null=True, editable=False, help_text="The last lead that was looked at for having been idle too long."
    )
    # In the database and of no other secret, so that what it hides stays hidden whatever else is rotated.
    pseudonym_key = models.CharField(max_length=64, default=new_pseudonym_key, editable=False)
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
    """A person or account that a project's events belong to. What is known of them follows from their events.

    A lead that turns out to be another one is merged into it: it keeps its id, its names and its events, and
    `merged_into` is the lead that survived, itself merged into nobody. What is known of the person stands there.
    """

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
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="merged"
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

    @property
    def survivor(self) -> "Lead":
        """Return the lead that stands for this one: itself, or the one it was merged into."""
        return self.merged_into or self


class Identifier(models.Model):
    """A name by which a client knows a lead. It stays with the lead it was given to, also when that one is merged."""

    class Kind(models.TextChoices):
        USER_ID = "user_id", "User id"
        EXTERNAL_ID = "external_id", "External id"
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
    """One line of the event log. It is never dropped, and only changed when the person is erased.

    `occurred_at` decides the order (ties by `event_id`); the other times say how it came about. `lead` is the lead it
    was given to: the log of a lead is that of the leads merged into it, too (`ingest.selectors.members_of_leads`).
    Without a lead it is an erased person's: what is left says that something happened, and when.
    """

    class Kind(models.TextChoices):
        ACTIVITY = "activity", "Something the lead did"
        PROFILE = "profile", "What somebody entered about the lead"
        ADJUSTMENT = "adjustment", "Points that somebody gave or took by hand"
        MERGE = "merge", "Leads that became one, or two again"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=100)
    # A lead that has events cannot be deleted: they are anonymised first (`ingest.services.erasures`).
    lead = models.ForeignKey(Lead, null=True, on_delete=models.RESTRICT, related_name="events", db_index=False)
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


class Import(models.Model):
    """A file of leads or events on its way into the log. What is behind `position` is stored; it goes on from there.

    One made by a command is worked through by that command; all others by the workers.
    """

    class Kind(models.TextChoices):
        LEADS = "leads", "Leads"
        EVENTS = "events", "Events"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Waiting for you"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UPLOADED)
    in_background = models.BooleanField(default=True)
    file_name = models.CharField(max_length=200)
    path = models.CharField(max_length=1000, blank=True, help_text="Where the file lies; empty once it is deleted.")
    size = models.BigIntegerField(help_text="Of the file, in bytes.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file.")
    all_utf8 = models.BooleanField()
    options = models.JSONField(default=dict)
    layout = models.JSONField(default=dict)
    position = models.BigIntegerField(default=0, help_text="The byte up to which rows are stored.")
    line = models.BigIntegerField(default=0)
    read = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="import_newest"),
            models.Index(fields=["status", "moved_at"], name="import_by_status"),
        ]

    def __str__(self) -> str:
        return self.file_name


class RejectedRow(models.Model):
    """A row of an imported file that was not taken, and why. Only the first ones of a file are kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejected_rows", db_index=False)
    line = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    raw = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["imported", "line"], name="rejected_row_once_per_line")]

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"


class Merge(models.Model):
    """One lead became part of another. `undone_at` says that they were separated again, and since when."""

    class Cause(models.TextChoices):
        EVENT = "event", "An event that names both"
        HAND = "hand", "By hand"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="merges")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="merges")
    into = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="absorbed")
    cause = models.CharField(max_length=5, choices=Cause.choices)
    by = models.CharField(max_length=200, help_text="The id of the event, or who did it by hand.")
    gave_owner = models.BooleanField(default=False, help_text="Whether the survivor had no owner and took this one's.")
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=models.Q(undone_at__isnull=True), name="lead_merged_into_one"
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="merge_newest")]

    def __str__(self) -> str:
        return f"{self.lead_id} into {self.into_id}"


class RefusedName(models.Model):
    """A name that an event carried and that was not used to tell whose it is, and why. Noted once per lead."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="refused_names")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="refused_names", db_index=False)
    kind = models.CharField(max_length=16, choices=Identifier.Kind.choices)
    value = models.CharField(max_length=254)
    reason = models.CharField(max_length=10, choices=[(reason.value, reason.label) for reason in Reason])
    other = models.ForeignKey(
        Lead, null=True, on_delete=models.CASCADE, related_name="+", help_text="Whose name it is, if it is somebody's."
    )
    event_id = models.CharField(max_length=100)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "kind", "value", "reason"], name="refused_name_noted_once"),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="refused_name_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}: {self.get_reason_display()}"


class Suppression(models.Model):
    """A name that nothing may be stored of any more. Only a keyed hash of it is kept, so the name cannot be read here.

    A name is never both suppressed and an identifier: who has it is erased first.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="suppressions")
    kind = models.CharField(max_length=16, choices=Identifier.Kind.choices)
    digest = models.CharField(max_length=64, editable=False)
    reason = models.CharField(max_length=200, blank=True, help_text="Why, without naming the person.")
    by = models.CharField(max_length=200, editable=False, help_text="Who suppressed it.")
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="name_suppressed_once")]
        indexes = [models.Index(fields=["project", "-id"], name="suppression_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, since {self.created_at:%Y-%m-%d}"


class Erasure(models.Model):
    """A note that somebody was erased, and by whom. It says nothing of the person."""

    class Cause(models.TextChoices):
        REQUEST = "request", "On request"
        RETENTION = "retention", "Idle for too long"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="erasures")
    cause = models.CharField(max_length=9, choices=Cause.choices)
    by = models.CharField(max_length=200, help_text="Who did it: a member, a key, or the retention rule.")
    leads = models.PositiveIntegerField(help_text="How many leads the person had been, merged ones included.")
    names = models.PositiveIntegerField(help_text="How many names were suppressed.")
    events = models.PositiveIntegerField(help_text="How many events were anonymised.")
    erased_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="erasure_newest")]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}, {self.erased_at:%Y-%m-%d %H:%M}"


class MatchKey(models.Model):
    """A lead that stands for itself has this in common with others: those with the same `key` may be one person.

    `place` numbers the leads of a key without gaps, so two that come at the same moment cannot miss each other; of a
    group of suspected duplicates the one at place 1 stands for the group. A group is `settled` when somebody has said
    of all its pairs that they are not the same.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="match_keys", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="match_keys", db_index=False)
    kind = models.CharField(max_length=5, choices=[(kind.value, kind.label) for kind in Kind])
    key = models.CharField(max_length=KEY_LENGTH)
    place = models.PositiveSmallIntegerField()
    settled = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "key", "place"], name="match_key_in_one_place"),
            models.UniqueConstraint(fields=["lead", "kind"], name="match_key_once_per_kind"),
        ]
        indexes = [
            models.Index(
                fields=["project", "-id"],
                condition=models.Q(place=1, settled=False),
                name="suspected_duplicates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.lead_id}"


class NotTheSame(models.Model):
    """Somebody has said that two leads are two people, whatever they have in common. `lead` is the one made first."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    by = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "other"], name="not_the_same_said_once"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} is not {self.other_id}"


class PendingEvent(models.Model):
    """A mark that an event is stored but not scored yet. Written with the event, removed with its score.

    It stands beside the log, not in it, so that the log stays append-only and the queue narrow.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="pending")
    lead_id = models.UUIDField()
    slot = models.PositiveSmallIntegerField(help_text="Which of the lead slots the lead hashes to.")
    due_at = models.DateTimeField(help_text="Not to be scored before; moved back when scoring it failed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    quiet = models.BooleanField(default=False, help_text="Scoring it sets off no automation: it is imported history.")

    class Meta:
        indexes = [
            models.Index(fields=["slot", "due_at", "lead_id"], name="pending_by_slot"),
            models.Index(fields=["lead_id"], name="pending_by_lead"),
        ]

    def __str__(self) -> str:
        return f"Event {self.pk}, due {self.due_at:%Y-%m-%d %H:%M:%S}"


def _click_types() -> list[str]:
    return list(bursts.CLICK_TYPES)


def _open_types() -> list[str]:
    return list(bursts.OPEN_TYPES)


class BotFilter(models.Model):
    """What a project takes for bots. A project without one has the defaults."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="bot_filter")
    known_bots = models.BooleanField(
        default=True, help_text="Events of bots that say so in their user agent do not count."
    )
    gateways = models.BooleanField(
        default=True, help_text="Clicks that come faster than people click do not count: security software opens mails."
    )
    click_types = models.JSONField(default=_click_types, blank=True, help_text="Event types of clicks in mails.")
    open_types = models.JSONField(
        default=_open_types, blank=True, help_text="Event types of opened mails; they go with the clicks around them."
    )
    links = models.PositiveSmallIntegerField(
        default=bursts.LINKS,
        validators=[MinValueValidator(2), MaxValueValidator(100)],
        help_text="So many different links of one lead …",
    )
    seconds = models.PositiveSmallIntegerField(
        default=bursts.SECONDS,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text="… within so many seconds are the work of a machine.",
    )

    def __str__(self) -> str:
        return "What this project takes for bots"


class Ruling(models.Model):
    """Somebody's word, once or for many events at a time, on whether they count.

    It names the events, or a range of them, and goes through the leads they belong to in the order of their ids.
    `cursor` moves in the transaction that does the work before it, so it goes on where it was stopped.
    """

    class Verb(models.TextChoices):
        EXCLUDE = "exclude", "Exclude"
        INCLUDE = "include", "Include"

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rulings")
    verb = models.CharField(max_length=7, choices=Verb.choices)
    trial = models.BooleanField(help_text="Whether it only counts what it would touch.")
    selection = models.JSONField(help_text="The events it is about, as `ingest.core.rulings.dump_selection` writes it.")
    reason = models.CharField(max_length=500, blank=True)
    author_id = models.CharField(max_length=36)
    author_name = models.CharField(max_length=200)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.RUNNING)
    cursor = models.UUIDField(null=True, help_text="The last lead it is done with.")
    leads_total = models.PositiveIntegerField(help_text="How many leads it looks at.")
    leads_done = models.PositiveIntegerField(default=0)
    leads = models.PositiveIntegerField(default=0, help_text="How many leads had such events.")
    events = models.PositiveIntegerField(default=0, help_text="How many events it touched, or would.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often in a row it could not go on.")
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    moved_at = models.DateTimeField(help_text="When it last got on.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="ruling_newest"),
            models.Index(fields=["moved_at"], name="ruling_open", condition=models.Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} {self.events} events of {self.leads} leads"


class Verdict(models.Model):
    """Whether an event counts, where a machine or a person had something to say about that. Most events have none.

    It stands beside the log, so that the log stays append-only. The word of a person (`ruling`) beats the machine's.
    """

    class Found(models.TextChoices):
        BOT = "bot", "A bot"
        GATEWAY_BURST = "gateway_burst", "Security software that opens every link of a mail"

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="verdict")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="verdicts", db_index=False)
    excluded = models.BooleanField(help_text="An excluded event counts for nothing.")
    found = models.CharField(max_length=16, choices=Found.choices, blank=True, help_text="What the machine found.")
    detail = models.CharField(max_length=200, blank=True)
    ruling = models.ForeignKey(
        Ruling, null=True, on_delete=models.RESTRICT, related_name="verdicts", help_text="The last word of a person."
    )
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(found="") | models.Q(ruling__isnull=False), name="verdict_has_a_ground"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "excluded", "-event"], name="verdict_newest"),
        ]

    def __str__(self) -> str:
        return f"{'Does not count' if self.excluded else 'Counts'}: {self.get_found_display() or 'by hand'}"


def new_public_id() -> str:
    """Return an id that nobody guesses: 128 random bits."""
    return f"wh_{secrets.token_hex(16)}"


class WebhookSource(models.Model):
    """Another system whose webhooks become events. Who signs with its secret may send; its address alone is no key."""

    class Scheme(models.TextChoices):
        STANDARD = "standard", "Standard Webhooks"
        HEADER = "header", "A header of the sender’s own"

    class Encoding(models.TextChoices):
        HEX = "hex", "Hexadecimal"
        BASE64 = "base64", "Base64"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhook_sources")
    name = models.CharField(max_length=100, help_text="What people call it, such as Stripe.")
    slug = models.CharField(
        "short name",
        max_length=MAX_SLUG_LENGTH,
        validators=[RegexValidator(r"^[a-z0-9-]+\Z", "Use small letters, digits and hyphens, as in stripe-eu.")],
        help_text="Stands before the ids of its events, such as stripe:evt_1. It cannot be changed later.",
    )
    public_id = models.CharField(max_length=40, unique=True, default=new_public_id, editable=False)
    active = models.BooleanField(default=True, help_text="Webhooks of an inactive source are refused with 401.")
    events_per_minute = models.PositiveIntegerField(
        null=True, blank=True, default=600, help_text="How many events a minute it may send. Empty: no limit."
    )
    scheme = models.CharField("how it signs", max_length=10, choices=Scheme.choices, default=Scheme.STANDARD)
    signature_header = models.CharField(
        max_length=100, blank=True, help_text="The name of the header with the signature, such as Stripe-Signature."
    )
    signature_form = models.CharField(
        "how the header is written",
        max_length=100,
        blank=True,
        help_text="sha256={signature}, or fields such as t={timestamp},v1={signature}.",
    )
    signed_content = models.CharField(
        "what is signed", max_length=100, blank=True, help_text="{body}, or with a time {timestamp}.{body}."
    )
    signature_encoding = models.CharField(max_length=8, choices=Encoding.choices, default=Encoding.HEX)
    timestamp_header = models.CharField(
        max_length=100, blank=True, help_text="If the time stands in a header of its own: which."
    )
    tolerance = models.PositiveIntegerField(
        "tolerance in seconds",
        default=signatures.STANDARD_TOLERANCE,
        help_text="How old a webhook with a signed time may be.",
    )
    secret = models.CharField(max_length=300, editable=False)
    former_secret = models.CharField(max_length=300, blank=True, editable=False)
    mapping = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    refused_at = models.DateTimeField(null=True, editable=False)
    refused_because = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="webhook_source_once_per_project")]

    def __str__(self) -> str:
        return self.name

    @property
    def scheme_of_signing(self) -> signatures.Scheme:
        """Return how the source signs, as a value."""
        if self.scheme == self.Scheme.STANDARD:
            return signatures.StandardScheme()
        return signatures.HeaderScheme(
            header=self.signature_header,
            form=self.signature_form,
            signed=self.signed_content,
            encoding="base64" if self.signature_encoding == self.Encoding.BASE64 else "hex",
            timestamp_header=self.timestamp_header,
            tolerance=self.tolerance,
        )


class WebhookReceipt(models.Model):
    """A webhook that was signed rightly, and what became of it. Kept for a while, so that a mapping can be mended.

    `payload` is its text, cut off where it is longer than what is kept (`complete` says whether it was).
    """

    class Outcome(models.TextChoices):
        STORED = "stored", "Stored"
        DUPLICATE = "duplicate", "Was there already"
        IGNORED = "ignored", "Left out"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(WebhookSource, on_delete=models.CASCADE, related_name="receipts", db_index=False)
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    refused = models.BooleanField(help_text="Whether it, or an item of it, still waits for a mapping that fits.")
    reason = models.CharField(max_length=500, blank=True)
    webhook_id = models.CharField(max_length=300, blank=True)
    event_id = models.CharField(max_length=100, blank=True, help_text="The event it became; of several, the first.")
    size = models.PositiveIntegerField(help_text="In bytes.")
    payload = models.TextField(blank=True)
    complete = models.BooleanField(default=True)

    class Meta:
        indexes = [models.Index(fields=["source", "refused", "-id"], name="webhook_receipt_newest")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.received_at:%Y-%m-%d %H:%M:%S}"
