"""`manage.py import_events`: what it says, what it stores, and how it goes on."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from ingest.models import Event, Import, Lead, Project
from ingest.services import imports
from tests.builders import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _home(settings: Settings, tmp_path: Path) -> None:
    settings.IMPORT_DIRECTORY = tmp_path / "imports"


@pytest.fixture
def project() -> Project:
    return make_project()


def run(*arguments: object) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("import_events", *map(str, arguments), stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def file_of(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    return path


def many(count: int) -> bytes:
    rows = (f"u{number % 50},page_view,2024-01-01\n" for number in range(count))
    return ("userId,event,date\n" + "".join(rows)).encode()


@pytest.mark.usefixtures("project")
def test_a_file_is_imported_and_nothing_is_left_beside_it(tmp_path: Path, settings: Settings) -> None:
    code, said = run(file_of(tmp_path, many(10)))

    assert (code, Event.objects.count()) == (0, 10)
    assert "10 rows read: 10 accepted, 0 there already, 0 rejected." in said
    assert not list(settings.IMPORT_DIRECTORY.iterdir())


@pytest.mark.usefixtures("project")
def test_rejected_rows_are_written_beside_the_file_and_change_the_exit_code(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"email,name\na@b.c,Ada\nnobody,Bob\n")

    code, _ = run(path, "--kind", "leads")

    assert (code, Lead.objects.get().name) == (1, "Ada")
    assert (tmp_path / "list.csv.rejected.csv").read_text("utf-8-sig").splitlines()[1].startswith("3,")


@pytest.mark.usefixtures("project")
def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    code, said = run(file_of(tmp_path, b"email,event\na@b.c,x\nnobody,x\n"), "--dry-run")

    assert (code, Event.objects.count(), Import.objects.count()) == (1, 0, 0)
    assert "line 3" in said


@pytest.mark.usefixtures("project")
def test_what_was_killed_goes_on_with_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path, many(2_500))
    portions = imports.portions

    def killed(*args: Any, **options: Any) -> Any:
        steps = portions(*args, **options)
        yield next(steps)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(imports, "portions", killed)
        code, said = run(path)
    assert (code, Event.objects.count()) == (130, 1_000)
    assert "--resume" in said

    code, said = run(path, "--resume")

    assert (code, Event.objects.count()) == (0, 2_500)
    assert "Going on after line 1,001." in said
    assert "2,500 accepted" in said


@pytest.mark.usefixtures("project")
def test_standard_input_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(many(10))

    monkeypatch.setattr("sys.stdin", Input)

    assert run("-")[0] == 0
    assert Event.objects.count() == 10


def test_what_cannot_be_done_is_said_with_exit_code_2(project: Project, tmp_path: Path) -> None:
    path = file_of(tmp_path, b"email,event,date\na@b.c,x,01/02/2024\n")
    for arguments in (
        (path,),
        (tmp_path / "nothing",),
        (path, "--project", "nobody"),
        (path, "--mapping", "["),
        (file_of(tmp_path, b"email,event,date\na@b.c,x,01/02/2024\n"), "--option", "nonsense=1"),
    ):
        with pytest.raises(CommandError) as refused:
            run(*arguments)
        assert refused.value.returncode == 2
    make_project("Another")
    with pytest.raises(CommandError, match="--project"):
        run(path)
    assert run(path, "--project", project.pk, "--option", "dateOrder=dmy")[0] == 0
