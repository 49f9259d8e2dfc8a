"""`manage.py rescore`: rebuild scores, stages and history from the event log."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from ingest.models import Lead, Project
from scoring.core.points import in_words
from scoring.services.rescore import Moved, chunks_of_leads, preview_leads, rescore_leads

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Rebuild every score, stage and history entry from the event log with the rules in force. It may be killed, "
        "repeated, and run while events arrive. It fires no automations."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", help="Only this project, by id or name.")
        parser.add_argument("--lead", help="Only this lead, by id.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        step = preview_leads if options["dry_run"] else rescore_leads
        chunks = list(_one_lead(options["lead"], options["project"])) if options["lead"] else None
        total = len(chunks) if chunks else Lead.objects.filter(project__in=_projects(options["project"])).count()
        moved: list[Moved] = []
        count = 0
        with tqdm(total=total, unit=" leads", disable=not sys.stderr.isatty()) as progress:
            for project_id, lead_ids in chunks or _all_leads(options["project"]):
                found = step(project_id, lead_ids, now=timezone.now())
                count += len(found)
                moved += found[: SHOWN - len(moved)] if len(moved) < SHOWN else []
                progress.update(len(lead_ids))
        self._report(moved, count, total, dry_run=options["dry_run"])

    def _report(self, moved: list[Moved], count: int, total: int, *, dry_run: bool) -> None:
        did = "would move" if dry_run else "moved"
        self.stdout.write(
            f"{total:,} leads rescored, {count:,} {did}."
            if not dry_run
            else f"{total:,} leads looked at, {count:,} {did}."
        )
        if not moved:
            return
        labels = {lead.pk: lead.label for lead in Lead.objects.filter(pk__in=[move.lead_id for move in moved])}
        self.stdout.write(f"\n  {'Lead':<40} {'Score':>20}   Stage")
        for move in moved:
            score = f"{in_words(move.old_score)} → {in_words(move.new_score)}"
            stage = move.new_stage if move.old_stage == move.new_stage else f"{move.old_stage} → {move.new_stage}"
            self.stdout.write(f"  {labels.get(move.lead_id, str(move.lead_id))[:40]:<40} {score:>20}   {stage}")
        if count > len(moved):
            self.stdout.write(f"  … and {count - len(moved):,} more")


def _projects(wanted: str | None) -> list[UUID]:
    projects = Project.objects.all()
    if wanted:
        projects = projects.filter(pk=wanted) if _is_uuid(wanted) else projects.filter(name=wanted)
    found = list(projects.values_list("pk", flat=True))
    if wanted and not found:
        raise CommandError(f"There is no project “{wanted}”. Give the id or the exact name of one.")
    if len(found) > 1 and wanted:
        raise CommandError(f"{len(found)} projects are called “{wanted}”. Give the id of one.")
    return found


def _all_leads(project: str | None) -> Iterator[tuple[UUID, list[UUID]]]:
    for project_id in _projects(project):
        for chunk in chunks_of_leads(project_id):
            yield project_id, chunk


def _one_lead(lead: str, project: str | None) -> Iterator[tuple[UUID, list[UUID]]]:
    found = Lead.objects.filter(pk=lead, project__in=_projects(project)).first() if _is_uuid(lead) else None
    if found is None:
        raise CommandError(f"There is no lead “{lead}”{f' in project “{project}”' if project else ''}.")
    yield found.project_id, [found.pk]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
