"""What events mean: the rules people edit and their tests, the frozen versions in force, and the scores they give.

Scores and entries are projections of the event log; `manage.py rescore` rebuilds them. Only `scoring.services`
writes these tables.
"""

from decimal import Decimal
from typing import Any, NoReturn

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from ingest.ids import new_id
from ingest.models import Event, Lead, Project
from scoring.core.fingerprint import fingerprint


def points_field(**options: object) -> "models.DecimalField[Decimal, Decimal]":
    """Return a field for points: two decimals, up to a hundred million either way, and the distance between those."""
    return models.DecimalField(max_digits=11, decimal_places=2, **options)  # type: ignore[arg-type]


class Scorecard(models.Model):
    """A draft of one way to score leads. Publishing freezes all of a project's scorecards into a version."""

    class Basis(models.TextChoices):
        EVENTS = "events", "what leads do: their events"
        TRAITS = "traits", "who leads are: their traits"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scorecards")
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0, help_text="The first scorecard is the primary one.")
    basis = models.CharField("scores", max_length=6, choices=Basis.choices, default=Basis.EVENTS)
    floor = points_field(default=Decimal(0), help_text="The score never falls below this.")
    cap = points_field(default=Decimal(10_000), help_text="The score never rises above this.")
    half_life_days = models.FloatField(
        "half-life in days",
        null=True,
        blank=True,
        help_text="The whole score halves every so many days without anything new. Empty: it never fades.",
    )

    class Meta:
        ordering = ["project", "position", "name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="scorecard_name_once_per_project")]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """A named band of scores, from its minimum up to the next stage's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    name = models.CharField(max_length=30)
    minimum = points_field(help_text="The lowest score of this stage.")
    hysteresis = points_field(
        default=Decimal(0),
        help_text="How far below its minimum a score must fall before the lead leaves the stage again.",
    )

    class Meta:
        ordering = ["position", "minimum"]
        constraints = [
            models.UniqueConstraint(fields=["scorecard", "name"], name="stage_name_once_per_scorecard"),
            models.UniqueConstraint(fields=["scorecard", "minimum"], name="stage_minimum_once_per_scorecard"),
        ]

    def __str__(self) -> str:
        return self.name


class RuleGroup(models.Model):
    """Rules that together give a lead at most so many points."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="groups")
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    name = models.CharField(max_length=100)
    maximum = points_field(help_text="The most that the group's rules together give a lead.")

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["scorecard", "name"], name="group_name_once_per_scorecard")]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """Which events are worth how many points, how often and for how long."""

    class Per(models.TextChoices):
        LEAD = "lead", "lead, ever"
        DAY = "day", "day"
        WEEK = "week", "week"
        MONTH = "month", "month"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    name = models.CharField(max_length=100)
    event_types = models.TextField(default="*", help_text="Event types with a space between, or * for every type.")
    when = models.JSONField(null=True, blank=True, help_text="The condition, as a ruleset file has it.")
    points = points_field(help_text="Negative points lower the score.")
    active = models.BooleanField(default=True)
    cap_times = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: the rule counts every time.")
    cap_per = models.CharField(max_length=5, choices=Per.choices, default=Per.LEAD)
    cap_distinct = models.CharField(max_length=200, blank=True)
    expires_after_days = models.PositiveIntegerField(null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    group = models.ForeignKey(RuleGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="rules")

    class Meta:
        ordering = ["scorecard", "position", "name"]
        constraints = [models.UniqueConstraint(fields=["scorecard", "name"], name="rule_name_once_per_scorecard")]

    def __str__(self) -> str:
        return self.name


class VersionFrozen(Exception):
    """A published version was about to be changed or deleted. Entries name it, so it stays as it is."""

    def __init__(self) -> None:
        super().__init__("A published version never changes. Publish another one, or roll back to an earlier one.")


class _FrozenVersions(models.QuerySet["RulesetVersion"]):
    """Versions can be read and added. Only deleting their project, which goes around this, removes them."""

    def update(self, **_: Any) -> NoReturn:
        raise VersionFrozen

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise VersionFrozen

    def delete(self) -> NoReturn:
        raise VersionFrozen


class RulesetTest(models.Model):
    """An example that must come out as expected before a draft can be published."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ruleset_tests")
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    name = models.CharField(max_length=100)
    events = models.JSONField(default=list, blank=True, help_text="The events, as a ruleset file has them.")
    traits = models.JSONField(default=dict, blank=True, help_text="What is known of the lead from the beginning.")
    as_of = models.DateTimeField(null=True, blank=True)
    score = points_field(null=True, blank=True)
    stage = models.CharField(max_length=30, blank=True)
    elsewhere = models.JSONField(default=dict, blank=True, help_text="What other scorecards should come to.")

    class Meta:
        ordering = ["project", "position", "name"]
        verbose_name = "test of the rules"
        verbose_name_plural = "tests of the rules"

    def __str__(self) -> str:
        return self.name


class RulesetVersion(models.Model):
    """A project's scorecards as they were published: frozen, numbered, in force from an event time on."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ruleset_versions")
    number = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    content = models.JSONField(help_text="The ruleset tree, as `manage.py ruleset export` writes it.")
    applies_from = models.DateTimeField(null=True, help_text="The event time it applies from; empty means from always.")
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    content_hash = models.CharField(max_length=64, editable=False, help_text="The fingerprint of the content.")
    rollback_of = models.PositiveIntegerField(null=True, help_text="The version whose content this one repeats.")
    replaced_draft = models.JSONField(null=True, help_text="The unpublished draft that a rollback put aside.")

    objects = _FrozenVersions.as_manager()

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="ruleset_number_once_per_project")]

    def __str__(self) -> str:
        return f"v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise VersionFrozen
        self.content_hash = fingerprint(self.content)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise VersionFrozen


class LeadScore(models.Model):
    """Where a lead stands on one scorecard, and the state from which the next event is scored without a replay."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scores", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="scores", db_index=False)
    scorecard = models.CharField(max_length=60, help_text="The scorecard's name in the ruleset version.")
    score = points_field()
    stage = models.CharField(max_length=30)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "scorecard"], name="score_once_per_lead_and_scorecard")]
        indexes = [
            models.Index(fields=["project", "scorecard", "-score", "lead"], name="score_leaderboard"),
            models.Index(fields=["project", "scorecard", "stage", "-score", "lead"], name="score_leaderboard_of_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.scorecard}: {self.score} ({self.stage})"


class LeadState(models.Model):
    """The fold's state after the last event applied to a lead: what makes the next event O(1)."""

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, primary_key=True, related_name="state")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    state = models.JSONField(help_text="The engine's state, as `scoring.core.engine.dump_state` writes it.")
    last_event_at = models.DateTimeField(null=True, help_text="When the newest event occurred, scored or not.")
    slot = models.PositiveSmallIntegerField(help_text="Which of the lead slots the lead hashes to.")
    next_change_at = models.DateTimeField(null=True, help_text="When time next changes a score, if nothing else does.")

    class Meta:
        indexes = [
            # Only of the leads that time changes at all, the longest due first; the slot spares reading the rows.
            models.Index(
                fields=["next_change_at", "slot"], name="state_due", condition=models.Q(next_change_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"State of {self.lead_id}"


class LongRefold(models.Model):
    """A lead whose long log is being folded again, part by part, so that the other leads have their turns between.

    Until it is done its scores are those of before, and nobody else scores it: its new events wait.
    """

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, primary_key=True, related_name="long_refold")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    slot = models.PositiveSmallIntegerField(help_text="Which of the lead slots the lead hashes to.")
    due_at = models.DateTimeField(help_text="When it had its last turn, or is to have the next.")
    before = models.JSONField(null=True, help_text="Where the lead stood when it began: its stage, how far folded.")
    state = models.JSONField(null=True, help_text="The engine's state after the parts that are done.")
    folded_to = models.DateTimeField(null=True, help_text="The events up to this time are folded.")
    last_event_at = models.DateTimeField(null=True, help_text="When the newest event of those occurred.")
    newest = models.JSONField(null=True, help_text="The newest of those events that were pending: key, type and time.")
    quiet = models.BooleanField(default=False, help_text="Whether what made it necessary is no reason to act.")

    class Meta:
        indexes = [models.Index(fields=["due_at", "slot"], name="long_refold_by_turn")]

    def __str__(self) -> str:
        return f"Refold of {self.lead_id}, part by part"


class Refold(models.Model):
    """A mark that a lead's ledger does not follow from its log any longer, because the log itself has changed.

    It became another lead's too, lost events to a lead it was separated from, or events of it stopped to count. The
    next time its queue gets to it, it is folded from the log.
    """

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, primary_key=True, related_name="refold")
    stood_in = models.JSONField(
        default=list, help_text="The stages in which leads stood that were merged into it: not to be reached again."
    )
    quiet = models.BooleanField(help_text="Whether the change itself is no reason to act.")
    requested_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Refold of {self.lead_id}"


class ScoreEntry(models.Model):
    """One line of the score ledger: an event's effect on one scorecard. The lines of a lead chain and sum."""

    class Kind(models.TextChoices):
        EVENT = "event", "Event"
        DECAY = "decay", "Decay"
        ADJUSTMENT = "adjustment", "Adjustment"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="entries", db_index=False)
    scorecard = models.CharField(max_length=60)
    sequence = models.PositiveIntegerField(help_text="Its place in the lead's ledger on this scorecard, from 0.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    event = models.ForeignKey(Event, null=True, on_delete=models.CASCADE, related_name="entries", db_index=False)
    client_event_id = models.CharField(max_length=100, blank=True)
    event_type = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField()
    delta = points_field()
    old_score = points_field()
    new_score = points_field()
    old_stage = models.CharField(max_length=30)
    new_stage = models.CharField(max_length=30)
    rules = models.JSONField(default=list)
    ruleset_version = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "scorecard", "sequence"], name="entry_once_per_place"),
            # A hair's breadth, because SQLite keeps decimals as floating-point numbers.
            models.CheckConstraint(
                condition=models.Q(new_score__gt=models.F("old_score") + models.F("delta") - Decimal("0.001"))
                & models.Q(new_score__lt=models.F("old_score") + models.F("delta") + Decimal("0.001")),
                name="entry_sums",
            ),
        ]
        indexes = [models.Index(fields=["project", "scorecard", "occurred_at"], name="entry_by_time")]
        verbose_name_plural = "score entries"

    def __str__(self) -> str:
        return f"{self.delta:+} at {self.occurred_at:%Y-%m-%d %H:%M}"


class DeadLetter(models.Model):
    """An event whose scoring kept failing, parked so that its lead could go on. It scores nothing until retried."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="dead_letter")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="dead_letters")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="dead_letters")
    error = models.CharField(max_length=500)
    traceback = models.TextField()
    parked_at = models.DateTimeField(default=timezone.now)
    discarded = models.BooleanField(default=False, help_text="Somebody decided that this event is never to count.")
    quiet = models.BooleanField(default=False, help_text="Scoring it sets off no automation: it is imported history.")

    class Meta:
        ordering = ["-parked_at"]

    def __str__(self) -> str:
        return self.error


class Walk(models.Model):
    """A walk through all leads of a project: a rescore, or a preview of what publishing the draft would do.

    It goes on where it stopped, whoever stopped it: see `WalkPart`.
    """

    class Kind(models.TextChoices):
        RESCORE = "rescore", "Rescore"
        PREVIEW = "preview", "Preview"

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        SUPERSEDED = "superseded", "Superseded by a later one"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="walks")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    ruleset_version = models.PositiveIntegerField(help_text="The newest version when it began.")
    content_hash = models.CharField(max_length=64, help_text="The fingerprint of the rules it folds with.")
    content = models.JSONField(null=True, help_text="Those rules, if they are not what is in force.")
    total = models.PositiveIntegerField(help_text="How many leads there were when it began.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)
    result = models.JSONField(default=dict, help_text="What it found, once it is done.")

    class Meta:
        indexes = [models.Index(fields=["project", "kind", "-id"], name="walk_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.started_at:%Y-%m-%d %H:%M}"


class WalkPart(models.Model):
    """The part of a walk that goes through the leads of some slots, in the order of their ids.

    `cursor` moves in the transaction that does the work before it, and only for who finds it where they left it: so a
    part that is killed goes on there, and of two that walk it one stops.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    walk = models.ForeignKey(Walk, on_delete=models.CASCADE, related_name="parts")
    slots = models.JSONField(help_text="The lead slots it goes through.")
    cursor = models.UUIDField(null=True, help_text="The last lead it is done with.")
    done = models.PositiveIntegerField(default=0, help_text="How many leads it is done with.")
    tally = models.JSONField(default=dict, help_text="What it has found so far.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often in a row it could not go on.")
    moved_at = models.DateTimeField(help_text="When it last got on.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["moved_at"], name="walk_part_open", condition=models.Q(finished_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.done} leads of {self.walk_id}"


class PredictionReport(models.Model):
    """What a project's leads said, at a moment, about how well one scorecard foretells an outcome."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prediction_reports", db_index=False)
    scorecard = models.CharField(max_length=60, help_text="The scorecard's name in the ruleset version.")
    outcome = models.CharField(max_length=64, help_text="The event type whose first event is the outcome.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    leads_total = models.PositiveIntegerField(default=0)
    leads_done = models.PositiveIntegerField(default=0)
    alive_at = models.DateTimeField(default=timezone.now, help_text="When work on it was last known to go on.")
    content = models.JSONField(
        null=True, help_text="The report, as `scoring.core.prediction.report.dump_report` writes it."
    )
    failure = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "scorecard", "outcome"],
                condition=models.Q(status__in=["waiting", "running"]),
                name="prediction_report_unfinished_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="done") | models.Q(content__isnull=False),
                name="prediction_report_done_has_content",
            ),
        ]
        indexes = [models.Index(fields=["project", "scorecard", "outcome", "-id"], name="prediction_report_newest")]

    def __str__(self) -> str:
        return f"{self.scorecard} and {self.outcome}, {self.requested_at:%Y-%m-%d}"
