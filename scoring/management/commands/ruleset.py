"""`manage.py ruleset`: the rules of a project as a file, for version control and for moving them between projects."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ingest import database
from ingest.models import Project
from scoring.core.mistakes import mistake_in_words
from scoring.core.ruleset import RulesetInvalid, dump_ruleset
from scoring.core.ruleset_file import MAX_BYTES, FileInvalid, read_ruleset, write_ruleset
from scoring.core.schema import RulesetSpec
from scoring.management.projects import REFUSED, project_named
from scoring.services.draft import draft_of, draft_tree, replace_draft, same_ruleset
from scoring.services.publication import compare, replace_and_publish
from scoring.services.rulesets import DraftInvalid, NothingChanged, Outcome, Published, TestsFailed, latest_version


class Command(BaseCommand):
    help = (
        "Write, compare and apply the rules of a project as a YAML file.\n\n"
        "  export FILE  writes the draft (or, with --published, the version in force)\n"
        "  diff FILE    shows what applying the file would change; exit code 1 if anything, 0 if nothing\n"
        "  apply FILE   makes the file the draft; with --publish also publishes it\n\n"
        "FILE is - for standard input or output. Whatever is refused ends with exit code 2 and a sentence."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["export", "diff", "apply"])
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--project", help="The project's id or name; may be left out when there is only one.")
        parser.add_argument(
            "--published", action="store_true", help="export, diff: the version in force, not the draft."
        )
        parser.add_argument("--publish", action="store_true", help="apply: publish the file as the next version.")
        parser.add_argument("--from-now", action="store_true", help="apply --publish: score events from now on only.")
        parser.add_argument("--note", default="", help="apply --publish: why, for the record.")

    def handle(self, *args: Any, **options: Any) -> None:
        self._refuse_strays(options)
        project = project_named(options["project"])
        if options["action"] == "export":
            self._export(project, options["file"], published=options["published"])
        elif options["action"] == "diff":
            self._diff(project, _read(options["file"]), published=options["published"])
        elif options["publish"]:
            self._publish(project, _read(options["file"]), from_now=options["from_now"], note=options["note"])
        else:
            self._apply(project, _read(options["file"]))

    def _refuse_strays(self, options: dict[str, Any]) -> None:
        applies = options["action"] == "apply"
        if options["published"] and applies:
            raise CommandError(
                "--published goes with export and diff. To publish a file: apply FILE --publish.", returncode=REFUSED
            )
        if options["publish"] and not applies:
            raise CommandError("--publish goes with apply.", returncode=REFUSED)
        if (options["from_now"] or options["note"]) and not options["publish"]:
            raise CommandError("--from-now and --note go with --publish.", returncode=REFUSED)
        if len(options["note"]) > 200:
            raise CommandError("A note has at most 200 characters.", returncode=REFUSED)

    def _export(self, project: Project, file: str, *, published: bool) -> None:
        text = write_ruleset(_tree(project.pk, published=published))
        if file == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.", returncode=REFUSED) from error
        self.stderr.write(f"The rules of {project} are in {file}.")

    def _diff(self, project: Project, spec: RulesetSpec, *, published: bool) -> None:
        lines = compare(_tree(project.pk, published=published), dump_ruleset(spec))
        what = f"version {latest_version(project.pk).number}" if published else "the draft"
        if not lines:
            self.stderr.write(f"The file is the same as {what}.")
            return
        styles = {"+": self.style.SUCCESS, "-": self.style.ERROR}
        for mark, line in lines:
            self.stdout.write(styles.get(mark, str)(f"{mark}{line}"))
        sys.exit(1)

    def _apply(self, project: Project, spec: RulesetSpec) -> None:
        if _is_draft(project.pk, spec):
            self.stdout.write("The draft is the same already; nothing is changed.")
            return
        database.unit_of_work(lambda: replace_draft(project.pk, spec))
        self.stdout.write(
            f"The file is now the draft of {project}. It changes no score until it is published, in the admin or with "
            "--publish."
        )

    def _publish(self, project: Project, spec: RulesetSpec, *, from_now: bool, note: str) -> None:
        now = timezone.now()
        outcome = replace_and_publish(
            project.pk, spec, by=None, note=note, applies_from=now if from_now else None, now=now
        )
        self.stdout.write(_sentence(outcome, from_now=from_now))


def _sentence(outcome: Outcome, *, from_now: bool) -> str:
    if isinstance(outcome, Published):
        since = "scores events from now on" if from_now else "scores all events; leads are rescored in the background"
        return f"Version {outcome.version.number} is published: it {since}."
    if isinstance(outcome, NothingChanged):
        return f"The file is the same as version {outcome.version.number}, which is in force; nothing is published."
    if isinstance(outcome, TestsFailed):
        raise CommandError(
            _listed("Its tests do not pass, so nothing is changed", outcome.failures), returncode=REFUSED
        )
    if isinstance(outcome, DraftInvalid):
        raise CommandError(
            _listed("It cannot be published", [f"{pointer} {detail}" for pointer, detail in outcome.errors]),
            returncode=REFUSED,
        )
    raise AssertionError(outcome)


def _listed(heading: str, sentences: Any) -> str:
    return "\n".join([f"{heading}:", *(f"  {sentence}" for sentence in sentences)])


def _read(file: str) -> RulesetSpec:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(MAX_BYTES + 1)
        return read_ruleset(data.decode("utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=REFUSED) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{file}, line {line}: is not UTF-8 text.", returncode=REFUSED) from error
    except FileInvalid as invalid:
        told = "\n".join(f"{file}, {mistake}" for mistake in invalid.mistakes[:50])
        raise CommandError(told, returncode=REFUSED) from invalid


def _tree(project_id: UUID, *, published: bool) -> dict[str, Any]:
    if published:
        content: dict[str, Any] = latest_version(project_id).content
        return content
    try:
        return dump_ruleset(draft_of(project_id))
    except RulesetInvalid as invalid:
        tree = draft_tree(project_id)
        mistakes = [mistake_in_words(pointer, detail, tree) for pointer, detail in invalid.errors]
        raise CommandError(
            _listed("The draft is not a valid ruleset (--published takes the version in force)", mistakes),
            returncode=REFUSED,
        ) from invalid


def _is_draft(project_id: UUID, spec: RulesetSpec) -> bool:
    try:
        return same_ruleset(draft_of(project_id), spec)
    except RulesetInvalid:
        return False
