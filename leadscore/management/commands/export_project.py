"""`manage.py export_project PROJECT`: write everything about a project as JSON Lines."""

import gzip
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from leadscore.export import export_lines
from scoring.management.projects import project_named


class Command(BaseCommand):
    help = "Write everything about a project, without secrets, as JSON Lines; see docs/reference/export.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="The project, by id or name.")
        parser.add_argument(
            "--output", default="-", help="A file, compressed if its name ends in .gz; by default stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        lines = 0
        try:
            with (
                _opened(options["output"]) as file,
                tqdm(unit=" lines", disable=not sys.stderr.isatty()) as bar,
            ):
                for part in export_lines(project.pk, now=timezone.now()):
                    file.write(part)
                    lines += (written := part.count(b"\n"))
                    bar.update(written)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.", returncode=2) from error
        if options["output"] != "-":
            self.stderr.write(f"{project} is in {options['output']}: {lines:,} lines.")


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open what to write to. A file has its name only once it is whole, so that half an export never passes for one."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with gzip.open(unfinished, "wb", compresslevel=5) if path.suffix == ".gz" else unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
