"""`manage.py import_events FILE`: import leads or events from a CSV or from JSON Lines."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from ingest import imported_files, selectors
from ingest.core.events import Refused
from ingest.core.imports.inspection import Inspection
from ingest.core.imports.options import ImportOptions, parse_options
from ingest.core.imports.records import read_records
from ingest.core.imports.rows import Converter, Rejected
from ingest.models import Import, Project
from ingest.services import imports

NOT_DONE = 2
SHOWN = 10
LINE_EVERY = 5.0


class Command(BaseCommand):
    help = (
        "Import leads or events from a CSV or from JSON Lines. It may be ended or killed at any moment: with --resume "
        "it goes on where it stopped, and importing a file again changes nothing. Exit code 1: some rows were refused; "
        "2: the file was not imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="The file, or - for standard input.")
        parser.add_argument("--project", help="The project, by id or name, if there are several.")
        parser.add_argument("--kind", choices=["leads", "events"], default="events")
        parser.add_argument(
            "--mapping", default="{}", help='What columns are, as JSON: \'{"Plan": "properties.plan"}\'.'
        )
        parser.add_argument("--option", action="append", default=[], metavar="N=VALUE", help="As dateOrder=dmy.")
        parser.add_argument("--fire-automations", action="store_true", help="Let what is imported set off automations.")
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="Read all of it and store nothing.")
        mode.add_argument("--resume", action="store_true", help="Go on with an import of the same file.")

    _spooled: UUID | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        project = _project(options["project"])
        try:
            imported, found, chosen = self._look(project, options)
        except Refused as refused:
            raise CommandError(_words(refused), returncode=NOT_DONE) from None
        try:
            if options["dry_run"]:
                self._count(imported, found)
            else:
                self._import(imported, found, chosen, options)
        finally:
            if options["dry_run"]:
                imports.discard(imported)

    def _look(self, project: Project, options: dict[str, Any]) -> tuple[Import, Inspection, ImportOptions]:
        said = dict(each.partition("=")[::2] for each in options["option"])
        chosen = parse_options(said | {"fireAutomations": options["fire_automations"]})
        imported = self._noted(project, options)
        found = imports.look_at(imported, chosen, mapping=_mapping(options["mapping"]), now=timezone.now())
        for note in found.notes:
            self.stderr.write(note)
        if found.problems:
            imports.discard(imported)
            raise Refused("invalid", found.problems)
        return imported, found, chosen

    def _noted(self, project: Project, options: dict[str, Any]) -> Import:
        now = timezone.now()
        by = imports.Asker()
        if options["file"] == "-":
            imported = imports.take_in(
                project.pk,
                imported_files.parts_of(sys.stdin.buffer),
                kind=options["kind"],
                file_name="stdin",
                by=by,
                now=now,
                limit=0,
            )
            Import.objects.filter(pk=imported.pk).update(in_background=False)
            imported.in_background = False
            return imported
        path = Path(options["file"])
        try:
            stored = imported_files.look_over(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=NOT_DONE) from None
        return imports.note_file(
            project.pk, stored, kind=options["kind"], file_name=path.name, by=by, now=now, in_background=False
        )

    def _import(self, imported: Import, found: Inspection, chosen: ImportOptions, options: dict[str, Any]) -> None:
        begun = _begun(imported) if options["resume"] else None
        if begun is not None:
            Import.objects.filter(pk=begun.pk).update(path=imported.path)
            Import.objects.filter(pk=imported.pk).delete()
            self._spooled = imported.pk
            self.stderr.write(f"Going on after line {begun.line:,}.")
            imported = begun
        else:
            imported = imports.start(imported, chosen, found, now=timezone.now())
        try:
            self._work(imported)
        except KeyboardInterrupt:
            imported.refresh_from_db()
            self.stderr.write(f"\nStopped after line {imported.line:,}. With --resume it goes on there.")
            sys.exit(130)
        except imports.Overtaken:
            raise CommandError("Somebody else is importing this file, or cancelled it.", returncode=NOT_DONE) from None
        self._report(imported, options["file"])

    def _work(self, imported: Import) -> None:
        terminal = sys.stderr.isatty()
        told = time.monotonic()
        with tqdm(
            total=imported.size, initial=imported.position, unit="B", unit_scale=True, disable=not terminal
        ) as bar:
            for moved in imports.portions(imported.pk):
                bar.update(moved.position - bar.n)
                bar.set_postfix_str(f"{moved.read:,} rows")
                if not terminal and time.monotonic() - told > LINE_EVERY:
                    told = time.monotonic()
                    self.stderr.write(f"{100 * moved.position // moved.size} %, {moved.read:,} rows")

    def _report(self, imported: Import, file: str) -> None:
        imported.refresh_from_db()
        self.stdout.write(
            f"{imported.read:,} rows read: {imported.accepted:,} accepted, {imported.duplicates:,} there already, "
            f"{imported.rejected:,} rejected."
        )
        if imported.rejected:
            target = Path("stdin.rejected.csv" if file == "-" else f"{file}.rejected.csv")
            with target.open("w", encoding="utf-8", newline="") as out:
                out.writelines(selectors.rejected_as_csv(imported.pk))
            self.stdout.write(f"What was rejected, and why, stands in {target}.")
        for name in filter(None, (imported.pk, self._spooled)):
            imported_files.delete(name)
        if imported.rejected:
            sys.exit(1)

    def _count(self, imported: Import, found: Inspection) -> None:
        layout = found.layout
        converter = Converter(layout, now=timezone.now())
        count = rejected = 0
        with Path(imported.path).open("rb") as file:
            for row in map(converter.convert, read_records(file, layout, offset=layout.start, line=layout.start_line)):
                count += 1
                if isinstance(row, Rejected):
                    rejected += 1
                    if rejected <= SHOWN:
                        self.stdout.write(f"  line {row.line:,}: {row.reason}")
        for column, target in layout.mapping.items():
            self.stdout.write(f"  {column} → {target or 'left out'}")
        self.stdout.write(f"{count:,} rows read, {rejected:,} would be rejected. Nothing was stored.")
        if rejected:
            sys.exit(1)


def _begun(imported: Import) -> Import | None:
    return (
        Import.objects.filter(
            project=imported.project_id,
            kind=imported.kind,
            digest=imported.digest,
            in_background=False,
            status=Import.Status.RUNNING,
        )
        .order_by("-id")
        .first()
    )


def _mapping(text: str) -> dict[str, str]:
    try:
        mapping = orjson.loads(text)
    except orjson.JSONDecodeError:
        mapping = None
    if not isinstance(mapping, dict) or not all(isinstance(target, str) for target in mapping.values()):
        raise CommandError("--mapping must be a JSON object of text.", returncode=NOT_DONE)
    return mapping


def _words(refused: Refused) -> str:
    return "\n".join(f"{each.pointer.lstrip('/') or 'The file'} {each.detail}." for each in refused.problems)


def _projects(wanted: str | None) -> Iterator[Project]:
    projects = Project.objects.order_by("name")
    if wanted:
        try:
            projects = projects.filter(pk=UUID(wanted))
        except ValueError:
            projects = projects.filter(name=wanted)
    yield from projects[:20]


def _project(wanted: str | None) -> Project:
    found = list(_projects(wanted))
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError("There is no such project. Give the id or the exact name of one.", returncode=NOT_DONE)
    listed = ", ".join(f"{project.name} ({project.pk})" for project in found)
    raise CommandError(f"Say which project with --project, by its id or name: {listed}.", returncode=NOT_DONE)
