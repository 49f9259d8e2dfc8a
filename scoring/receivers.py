"""Keep scores in step with the event log."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from ingest import database
from ingest.models import Project
from ingest.signals import (
    CountsChanged,
    EventsStored,
    LeadsMerged,
    LeadsSeparated,
    PersonErased,
    counts_changed,
    events_stored,
    leads_merged,
    leads_separated,
    person_erased,
)
from scoring import routing, wake
from scoring.services import mentions, refolds
from scoring.services.rescore import refold
from scoring.services.rulesets import create_default_ruleset
from scoring.services.scores import open_scores
from scoring.tasks import drain


@receiver(post_save, sender=Project)
def give_default_ruleset(instance: Project, created: bool, raw: bool, **_: Any) -> None:  # noqa: FBT001  (Django's)
    """Give every new project its default rules, however it comes about."""
    if created and not raw:
        create_default_ruleset(instance.pk, now=timezone.now())


@receiver(events_stored)
def open_scores_of_new_leads(stored: EventsStored, **_: Any) -> None:
    """Let new leads stand at the start of every scorecard."""
    open_scores(stored.project_id, stored.new_lead_ids)


@receiver(leads_merged)
def fold_survivor_again(merged: LeadsMerged, **_: Any) -> None:
    """Let the ledger of a lead that another became part of follow from both their logs."""
    refolds.after_merge(merged)


@receiver(leads_separated)
def fold_both_again(separated: LeadsSeparated, **_: Any) -> None:
    """Let the ledgers of two leads that were one follow from their own logs."""
    refolds.after_separation(separated)


@receiver(person_erased)
def forget_erased(erased: PersonErased, **_: Any) -> None:
    """Let what walks have found no longer name somebody who is erased; scores and ledgers go with the leads."""
    mentions.forget(erased.project_id, erased.lead_ids)


@receiver(events_stored)
def wake_queues(stored: EventsStored, **_: Any) -> None:
    """Wake the queues that the stored events' leads belong to, once the events are committed."""
    database.on_commit(lambda: wake.wake(drain, routing.queues_of(stored.slots)))


@receiver(counts_changed)
def fold_again(changed: CountsChanged, **_: Any) -> None:
    """Let the scores follow when other events count than did."""
    refold(changed.project_id, changed.lead_ids, now=changed.now)
