"""`manage.py rescore`: rebuild scores, stages and history from the event log."""

import sys
import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from ingest.ids import uuid_of
from ingest.models import Lead
from scoring.core.points import in_words, to_points
from scoring.core.preview import Tally
from scoring.core.ruleset import compile_ruleset, parse_ruleset
from scoring.core.timeline import Timeline
from scoring.management.projects import REFUSED, projects_named
from scoring.models import RulesetVersion, Walk, WalkPart
from scoring.services import walks
from scoring.services.rescore import batches, preview_leads, rescore_leads
from scoring.services.verification import Discrepancy, verify_leads
from scoring.timelines import timeline_of

SHOWN = 20
WAIT = 0.5


class Command(BaseCommand):
    help = (
        "Rebuild every score, stage and history entry from the event log with the rules in force. It may be killed, "
        "repeated, and run while events arrive: what was begun goes on where it stopped. It fires no automations."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", help="Only this project, by id or name.")
        parser.add_argument("--lead", help="Only this lead, by id.")
        parser.add_argument("--async", action="store_true", dest="background", help="Let the lead workers do it.")
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="Say what would change, and change nothing.")
        mode.add_argument(
            "--verify", action="store_true", help="Compare what is stored with a fresh fold; exit 1 if it differs."
        )
        parser.add_argument(
            "--ruleset", type=int, metavar="N", help="With --dry-run: as if version N had always been in force."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._check(options)
        if options["verify"]:
            return self._verify(options)
        if options["dry_run"]:
            return self._dry_run(options)
        if options["lead"]:
            project_id, lead_id = _one_lead(options["lead"], options["project"])
            return self._report(rescore_leads(project_id, [lead_id], now=timezone.now()), "rescored", "moved")
        return self._rescore(options)

    def _check(self, options: dict[str, Any]) -> None:
        if options["background"] and (options["dry_run"] or options["verify"] or options["lead"]):
            raise CommandError(
                "--async rescores whole projects; it does not go with --dry-run, --verify or --lead.",
                returncode=REFUSED,
            )
        if options["ruleset"] is not None and not options["dry_run"]:
            raise CommandError(
                "--ruleset only goes with --dry-run: scores follow the versions in force. "
                "To put an old version in force, roll back to it on the Rules page.",
                returncode=REFUSED,
            )

    # --- Rescore ---

    def _rescore(self, options: dict[str, Any]) -> None:
        found = []
        for project in projects_named(options["project"]):
            walk = walks.start_rescore(project.pk, by=None, now=timezone.now(), in_background=options["background"])
            if walks.progress_of(walk, now=timezone.now()).done:
                self.stdout.write("Going on with a rescore that was begun before.")
            found.append(self._follow(walk) if options["background"] else self._walk(walk))
        self._report(_merged(found), "rescored", "moved")

    def _walk(self, walk: Walk) -> Tally:
        """Go through the parts of a walk here; where a worker is at one, leave it to them."""
        with _bar(walk.total, initial=walks.progress_of(walk, now=timezone.now()).done) as bar:
            while open_parts := list(WalkPart.objects.filter(walk=walk, finished_at=None).values_list("pk", flat=True)):
                begun = bar.n
                for part_id in open_parts:
                    for count in walks.steps(part_id, any_cursor=True):
                        bar.update(count)
                if bar.n == begun:
                    time.sleep(WAIT)
        return _result(walk)

    def _follow(self, walk: Walk) -> Tally:
        """Show how far the workers are; ending this ends nothing."""
        self.stderr.write("The lead workers are at it; Ctrl-C ends only this display.")
        with _bar(walk.total) as bar:
            while Walk.objects.filter(pk=walk.pk, status=Walk.Status.RUNNING).exists():
                bar.update(walks.progress_of(walk, now=timezone.now()).done - bar.n)
                time.sleep(WAIT)
        return _result(walk)

    # --- Only looking ---

    def _dry_run(self, options: dict[str, Any]) -> None:
        tally = Tally()
        for project_id, lead_ids in _leads(options):
            timeline = timeline_of(project_id)
            if options["ruleset"] is not None:
                timeline = _as_if(project_id, options["ruleset"], timeline)
            tally.merge(preview_leads(project_id, lead_ids, timeline, now=timezone.now()))
        self._report(tally, "looked at", "would move")

    def _verify(self, options: dict[str, Any]) -> None:
        leads = 0
        differences: list[Discrepancy] = []
        for project_id, lead_ids in _leads(options):
            leads += len(lead_ids)
            differences += verify_leads(project_id, lead_ids)
        for found in differences[:SHOWN]:
            self.stdout.write(f"  {found.lead_id}  {found.what}")
        if len(differences) > SHOWN:
            self.stdout.write(f"  … and {len(differences) - SHOWN:,} more")
        if differences:
            told = f"{len({found.lead_id for found in differences}):,} of {leads:,} leads differ from their event log."
            raise CommandError(f"{told} `manage.py rescore` puts them right.", returncode=1)
        self.stdout.write(f"{leads:,} leads are exactly what their event log says.")

    # --- Telling ---

    def _report(self, tally: Tally, did: str, moved: str) -> None:
        self.stdout.write(f"{tally.leads:,} leads {did}, {tally.moved:,} {moved}.")
        stages = [(pair, cell) for pair, cell in sorted(tally.matrix.items()) if pair[0] != pair[1]]
        for (old, new), cell in stages:
            self.stdout.write(f"  {old} → {new}: {cell.count:,}")
        movers = tally.biggest_movers()[:SHOWN]
        if not movers:
            return
        labels = {str(lead.pk): lead.label for lead in Lead.objects.filter(pk__in=[mover.lead_id for mover in movers])}
        self.stdout.write(f"\n  {'Lead':<40} {'Score':>20}   Stage")
        for mover in movers:
            score = f"{in_words(to_points(mover.old_score))} → {in_words(to_points(mover.new_score))}"
            stage = mover.new_stage if mover.old_stage == mover.new_stage else f"{mover.old_stage} → {mover.new_stage}"
            self.stdout.write(f"  {labels.get(mover.lead_id, mover.lead_id)[:40]:<40} {score:>20}   {stage}")
        if tally.moved > len(movers):
            self.stdout.write(f"  … and {tally.moved - len(movers):,} more")


def _bar(total: int, *, initial: int = 0) -> "tqdm[Any]":
    return tqdm(total=total, initial=initial, unit=" leads", disable=not sys.stderr.isatty())


def _merged(tallies: list[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole


def _result(walk: Walk) -> Tally:
    walk.refresh_from_db()
    if walk.status != Walk.Status.DONE:
        reason = walk.error or "a later one has taken its place"
        raise CommandError(f"The rescore did not come to its end: {reason}.")
    return Tally.load(walk.result)


def _leads(options: dict[str, Any]) -> Any:
    """Yield batches of the leads that the options name, as (project, leads), and show how far they are."""
    if options["lead"]:
        project_id, lead_id = _one_lead(options["lead"], options["project"])
        yield project_id, [lead_id]
        return
    projects = projects_named(options["project"])
    with _bar(Lead.objects.filter(project__in=projects, merged_into=None).count()) as bar:
        for project in projects:
            for lead_ids in batches(project.pk):
                yield project.pk, lead_ids
                bar.update(len(lead_ids))


def _as_if(project_id: UUID, number: int, timeline: Timeline) -> Timeline:
    version = RulesetVersion.objects.filter(project=project_id, number=number).first()
    if version is None:
        raise CommandError(f"There is no version {number} of the rules.", returncode=REFUSED)
    zone = timeline.latest.time_zone
    return Timeline.build([(None, compile_ruleset(parse_ruleset(version.content), number=number, time_zone=zone))])


def _one_lead(text: str, project: str | None) -> tuple[UUID, UUID]:
    lead_id = uuid_of(text)
    leads = Lead.objects.select_related("merged_into").filter(project__in=projects_named(project))
    found = lead_id and leads.filter(pk=lead_id).first()
    if not found:
        where = f" in project “{project}”" if project else ""
        raise CommandError(f"There is no lead “{text}”{where}.", returncode=REFUSED)
    return found.project_id, found.survivor.pk
