"""`manage.py ruleset` moves rules between a project and a file, and refuses in sentences."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ingest.models import Project
from ingest.services.projects import create_project
from scoring.models import Rule, Scorecard
from scoring.services.draft import draft_of
from scoring.services.rulesets import latest_version

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def project() -> Project:
    return create_project("Acme", now=NOW)


@pytest.fixture
def file(tmp_path: Path, project: Project) -> Path:
    path = tmp_path / "rules.yaml"
    ruleset("export", path)
    return path


def ruleset(action: str, file: object, *options: str) -> str:
    out = io.StringIO()
    call_command("ruleset", action, str(file), *options, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def refusal(action: str, file: object, *options: str) -> str:
    with pytest.raises(CommandError) as refused:
        ruleset(action, file, *options)
    assert refused.value.returncode == 2
    return str(refused.value)


def test_an_exported_file_is_the_same_as_the_draft(project: Project, file: Path) -> None:
    assert ruleset("diff", file) == "The file is the same as the draft.\n"
    assert ruleset("apply", file) == "The draft is the same already; nothing is changed.\n"


def test_a_difference_is_shown_and_ends_with_exit_code_1(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text().replace("points: 5\n", "points: 6\n"))

    with pytest.raises(SystemExit) as ended:
        call_command("ruleset", "diff", str(file), no_color=True)

    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "-        points: 5\n" in shown
    assert "+        points: 6\n" in shown


def test_applying_makes_the_file_the_draft_and_publishes_nothing(project: Project, file: Path) -> None:
    file.write_text(file.read_text().replace("points: 5\n", "points: 6\n"))

    assert ruleset("apply", file).startswith("The file is now the draft of Acme. It changes no score until")

    assert Rule.objects.get(name="Page view").points == 6
    assert latest_version(project.pk).number == 1


@pytest.mark.parametrize(
    ("options", "applies_from", "said"),
    [
        ([], False, "it scores all events; leads are rescored in the background."),
        (["--from-now"], True, "it scores events from now on."),
    ],
)
def test_publishing_makes_the_next_version(
    project: Project, file: Path, options: list[str], applies_from: bool, said: str
) -> None:
    file.write_text(file.read_text().replace("points: 5\n", "points: 6\n"))

    told = ruleset("apply", file, "--publish", "--note", "Worth more", *options)

    version = latest_version(project.pk)
    assert told == f"Version 2 is published: {said}\n"
    assert (version.number, version.note) == (2, "Worth more")
    assert (version.applies_from is not None) is applies_from


def test_publishing_a_file_whose_tests_fail_changes_nothing(project: Project, file: Path) -> None:
    before = draft_of(project.pk)
    file.write_text(file.read_text() + "tests:\n  - {name: Nothing is worth 5, expect: {score: 5}}\n")

    told = refusal("apply", file, "--publish")

    assert told == (
        "Its tests do not pass, so nothing is changed:\n  “Nothing is worth 5”: Engagement should score 5, but scores 0"
    )
    assert draft_of(project.pk) == before
    assert latest_version(project.pk).number == 1


def test_a_mistake_is_told_with_file_and_line(project: Project, file: Path) -> None:
    file.write_text(file.read_text().replace("points: 5\n", "points: five\n"))

    assert refusal("apply", file) == f"{file}, line 6: /scorecards/0/rules/0/points must be a number"


def test_a_file_that_is_not_there_or_not_text_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"a: 1\nb: \xe9\n")

    assert refusal("apply", tmp_path / "none") == f"{tmp_path / 'none'} cannot be read: No such file or directory."
    assert refusal("diff", tmp_path / "latin") == f"{tmp_path / 'latin'}, line 2: is not UTF-8 text."


def test_with_several_projects_one_must_be_named(project: Project, file: Path) -> None:
    other = create_project("Other", now=NOW)

    assert refusal("export", file).startswith("Say which project with --project, by its id or name: Acme (")
    assert refusal("export", file, "--project", "Nobody").startswith("There is no project “Nobody”.")
    assert "The rules of Other" in ruleset("export", file, "--project", str(other.pk))
    assert "The rules of Other" in ruleset("export", file, "--project", "Other")


def test_options_that_do_not_go_together_are_refused(project: Project, file: Path) -> None:
    assert "--publish goes with apply" in refusal("export", file, "--publish")
    assert "go with --publish" in refusal("apply", file, "--from-now")
    assert "--published goes with" in refusal("apply", file, "--published")


def test_a_draft_that_is_no_ruleset_is_not_exported_but_the_version_in_force_is(project: Project, file: Path) -> None:
    Scorecard.objects.all().delete()

    assert "Scorecards: must not be empty." in refusal("export", file)
    ruleset("export", file, "--published")
    assert "name: Engagement" in file.read_text()
