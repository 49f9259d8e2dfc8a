"""`manage.py import_legacy_mongo URI`: take over what the Node.js original has stored in MongoDB."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from ingest.core.csv_lines import csv_text
from ingest.models import User
from ingest.slots import SLOTS
from leadscore.legacy.comparison import Compared, compare
from leadscore.legacy.source import Source, SourceUnusable, open_source
from leadscore.legacy.storage import AutomationsWouldFire, Storage
from leadscore.legacy.transfer import Destination, Opened, Rehearsal, RulesUnusable, Transfer
from scoring.core.points import in_words
from scoring.services.drain import drain

STAGES = "cold=0,warm=11,hot=31,qualified=60"
SHOWN = 20
UNTOUCHED = {
    "users": "people log in here with accounts of their own: make them in the admin",
    "automationrules": "make them in the admin: in the original they recorded that they fired, and sent nothing",
    "automationexecutions": "they record what was never sent",
    "failedjobs": "the events they are about are taken over and scored",
}


class Command(BaseCommand):
    help = "Take over what the Node.js original has stored; see docs/howto/from-the-node-original.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="mongodb://…/DATABASE, or a directory that mongodump wrote.")
        parser.add_argument("--dry-run", action="store_true", help="Read and report; store nothing.")
        parser.add_argument("--member", help="The username of somebody who is to be a member of every new project.")
        parser.add_argument(
            "--keep-keys",
            action="store_true",
            help="Let the old API keys go on sending events, as write keys: they stand in pages you cannot change.",
        )
        parser.add_argument("--stages", type=_stages, default=STAGES, help=f"Stages and their least scores: {STAGES}.")
        parser.add_argument(
            "--comparison", metavar="FILE", help="Write every lead's old and new score to this CSV file."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = open_source(options["source"])
            transfer = self._transfer(source, options)
            self._report(transfer, dry_run=options["dry_run"])
            if not options["dry_run"]:
                self._compare(source, transfer, options["comparison"])
        except (SourceUnusable, RulesUnusable, AutomationsWouldFire) as problem:
            raise CommandError(str(problem)) from problem
        except OSError as error:
            raise CommandError(f"{options['comparison']} cannot be written: {error.strerror}.") from error

    def _transfer(self, source: Source, options: Mapping[str, Any]) -> Transfer:
        destination: Destination = (
            Rehearsal()
            if options["dry_run"]
            else Storage(keep_keys=options["keep_keys"], member=_member(options["member"]), clock=timezone.now)
        )
        with tqdm(unit=" documents", disable=not sys.stderr.isatty()) as bar:
            transfer = Transfer(
                source=source,
                destination=destination,
                stages=options["stages"],
                opened=self._tell_keys,
                progress=lambda count: _advance(bar, count),
            )
            transfer.run()
        return transfer

    def _tell_keys(self, opened: Opened) -> None:
        """Say a project's keys at once: the secret one cannot be had again."""
        self.stdout.write(f"{opened.project.name} is made: project {opened.project.id}")
        self.stdout.write(f"  Write key   {opened.write_key}")
        self.stdout.write(f"  Secret key  {opened.secret_key}  (shown only now)")
        if opened.kept:
            self.stdout.write(f"  As asked, {opened.kept}.")

    def _report(self, transfer: Transfer, *, dry_run: bool) -> None:
        stored = "to take over" if dry_run else "taken over"
        self.stdout.write(f"\n{'collection':<16}{'read':>12}{stored:>14}{'here already':>14}{'skipped':>10}")
        for name, tally in transfer.tallies.items():
            told = "read only" if name == "scorehistories" else f"{tally.stored:,}"
            skipped = sum(tally.skipped.values())
            self.stdout.write(f"{name:<16}{tally.read:>12,}{told:>14}{tally.known:>14,}{skipped:>10,}")
        for name, tally in transfer.tallies.items():
            for reason, count in tally.skipped.most_common():
                self.stdout.write(f"  {name}, {count:,} skipped: {reason}")
            for note, count in tally.notes.most_common():
                self.stdout.write(f"  {name}, {count:,} {note}")
        if not transfer.rules:
            self.stdout.write("  There are no rules: the projects have the default ones.")
        for name, count in transfer.untouched().items():
            why = UNTOUCHED.get(name, "no collection that this command knows")
            self.stdout.write(f"  {name}, {count:,} not taken over: {why}")
        if dry_run:
            self.stdout.write("\nNothing has been stored.")

    def _compare(self, source: Source, transfer: Transfer, file: str | None) -> None:
        """Score what was taken over and say where the scores differ from the old ones."""
        while drain(range(SLOTS), now=timezone.now()):
            pass
        counted = _Counted()
        compared = counted.watch(compare(source, transfer.projects, transfer.pasts))
        differing = _written(compared, file) if file else _first_differing(compared)
        self.stdout.write(f"\n{counted.all:,} leads compared: {counted.same:,} have their old score.")
        if differing:
            self.stdout.write(f"{'lead':<40}{'old':>10}{'new':>10}  why it can differ")
        for each in differing:
            old = "none" if each.old_score is None else in_words(each.old_score)
            why = "; ".join(each.reasons)
            self.stdout.write(f"{each.lead[:38]:<40}{old:>10}{in_words(each.new_score):>10}  {why}")
        if (more := counted.all - counted.same - SHOWN) > 0:
            self.stdout.write(f"… and {more:,} more: --comparison FILE writes all of them.")


class _Counted:
    """Counts what passes by."""

    all = 0
    same = 0

    def watch(self, compared: Iterable[Compared]) -> Iterator[Compared]:
        for each in compared:
            self.all += 1
            self.same += each.same
            yield each


def _first_differing(compared: Iterable[Compared]) -> list[Compared]:
    differing: list[Compared] = []
    for each in compared:
        if not each.same and len(differing) < SHOWN:
            differing.append(each)
    return differing


def _written(compared: Iterable[Compared], file: str) -> list[Compared]:
    """Write all leads to a CSV file, and return the first that differ."""
    fields = ("project", "lead", "old_score", "new_score", "old_stage", "new_stage")
    with Path(file).open("w", encoding="utf-8", newline="") as opened:
        opened.write(csv_text([[*fields, "why it can differ"]]))

        def passing() -> Iterator[Compared]:
            for each in compared:
                opened.write(csv_text([[*(getattr(each, name) for name in fields), "; ".join(each.reasons)]]))
                yield each

        return _first_differing(passing())


def _member(username: str | None) -> User | None:
    if username is None:
        return None
    user = User.objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"Nobody has the username “{username}”.")
    return user


def _stages(text: str) -> dict[str, Decimal]:
    stages = {}
    try:
        for part in text.split(","):
            name, _, least = part.partition("=")
            stages[name.strip()] = Decimal(least)
    except InvalidOperation:
        raise ArgumentTypeError(f"is written like {STAGES}") from None
    return stages


def _advance(bar: "tqdm[Any]", count: int) -> None:
    bar.update(count)
