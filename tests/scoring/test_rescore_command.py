"""`manage.py rescore`: what it says, whom it rescores, and that it may be killed and repeated."""

import io
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from scoring import tasks
from scoring.management.commands import rescore as command
from scoring.models import LeadScore, ScoreEntry, WalkPart
from scoring.services import walks
from scoring.services.rescore import rescore_leads
from tests.scoring.builders import (
    NOON,
    Listener,
    drain_all,
    event,
    lead_of,
    make_project,
    projections,
    put_in_force,
    scorecard,
    standing,
    take_in,
    track,
)

pytestmark = pytest.mark.django_db


def rescore(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rescore", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_that_nothing_moved(capsys: pytest.CaptureFixture[str]) -> None:
    track(make_project(), event("signup"))

    assert rescore() == "1 leads rescored, 0 moved.\n"
    assert rescore("--dry-run") == "1 leads looked at, 0 would move.\n"
    assert capsys.readouterr().err == ""  # progress is for people who watch


def test_it_shows_what_moved_in_a_table() -> None:
    project = make_project()
    track(project, event("signup"))
    put_in_force(project, scorecard(signup=70))

    looked = rescore("--dry-run")
    assert "1 would move" in looked
    assert standing(project)[0] == 20

    lines = rescore().splitlines()
    assert lines[0] == "1 leads rescored, 1 moved."
    assert lines[-1].split() == [*lead_of(project).label.split(), "20", "→", "70", "warm", "→", "hot"]


def test_it_counts_those_it_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SHOWN", 2)
    project = make_project()
    track(project, *(event("signup", user=f"user-{number}") for number in range(5)))
    put_in_force(project, scorecard(signup=70))

    assert rescore().splitlines()[-1].strip() == "… and 3 more"


def test_it_rescores_only_the_project_or_lead_that_is_named() -> None:
    one, two = make_project("One"), make_project("Two")
    for project in (one, two):
        track(project, event("signup", user="ada"), event("signup", user="bob"))
        put_in_force(project, scorecard(signup=70))

    rescore("--lead", str(lead_of(one, "ada").pk))
    assert [standing(one, user)[0] for user in ("ada", "bob")] == [70, 20]
    rescore("--project", "One")
    assert [standing(project, "bob")[0] for project in (one, two)] == [70, 20]
    rescore("--project", str(two.pk))
    assert standing(two, "bob")[0] == 70


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--project", "Nobody"], "There is no project “Nobody”. Give the id or the exact name of one."),
        (["--lead", "x"], "There is no lead “x”."),
        (["--lead", str(uuid4()), "--project", "Twin"], "2 projects are called “Twin”. Give the id of one: Twin .*"),
        (["--ruleset", "1"], "--ruleset only goes with --dry-run: .*"),
        (["--ruleset", "9", "--dry-run", "--project", "Acme"], "There is no version 9 of the rules."),
        (["--async", "--verify"], "--async rescores whole projects; it does not go with .*"),
        (["--async", "--dry-run"], "--async rescores whole projects; it does not go with .*"),
        (["--async", "--lead", str(uuid4())], "--async rescores whole projects; it does not go with .*"),
    ],
)
def test_it_says_what_it_refuses_and_why(arguments: list[str], sentence: str) -> None:
    track(make_project(), event("signup"))
    make_project("Twin")
    make_project("Twin")

    with pytest.raises(CommandError, match=f"^{sentence}$") as refused:
        rescore(*arguments)

    assert refused.value.returncode == 2


def test_dry_run_and_verify_exclude_each_other() -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        rescore("--verify", "--dry-run")


# --- As if another version had always been in force -----------------------------------------------------------------


def test_a_dry_run_tells_what_another_version_would_have_given() -> None:
    project = make_project()
    track(project, event("signup"))
    number = put_in_force(project, scorecard(signup=70))
    rescore()

    assert "1 would move" in rescore("--dry-run", "--ruleset", "1")
    assert "0 would move" in rescore("--dry-run", "--ruleset", str(number))
    assert standing(project)[0] == 70


# --- Verify ---------------------------------------------------------------------------------------------------------


def test_verify_ends_well_when_everything_is_what_the_log_says() -> None:
    project = make_project()
    track(project, event("signup", user="ada"), event("signup", user="bob"))

    assert rescore("--verify") == "2 leads are exactly what their event log says.\n"
    assert rescore("--verify", "--lead", str(lead_of(project).pk)).startswith("1 leads are exactly")


def test_verify_names_what_differs_changes_nothing_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SHOWN", 2)
    project = make_project()
    track(project, *(event("signup", user=f"user-{number}") for number in range(3)))
    LeadScore.objects.update(score=5)
    before = projections()
    out = io.StringIO()

    with pytest.raises(CommandError) as found:
        call_command("rescore", "--verify", stdout=out)

    assert found.value.returncode == 1
    assert str(found.value) == ("3 of 3 leads differ from their event log. `manage.py rescore` puts them right.")
    lines = out.getvalue().splitlines()
    assert lines[-1] == "  … and 1 more"
    assert lines[0].endswith("  Engagement: stored 5 (warm), but the log gives 20 (warm)")
    assert projections() == before
    rescore()
    assert rescore("--verify") == "3 leads are exactly what their event log says.\n"


# --- In the background ----------------------------------------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen each time the command waits."""

    def arrange(work: Callable[[], object]) -> None:
        monkeypatch.setattr(command, "time", SimpleNamespace(sleep=lambda _: work()))

    return arrange


def workers_work() -> None:
    for part_id in WalkPart.objects.filter(finished_at=None).values_list("pk", flat=True):
        tasks.walk(str(part_id), None)


def test_in_the_background_the_workers_do_it_and_the_command_tells_what_moved(
    meanwhile: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project()
    track(project, *(event("signup", user=f"user-{number}") for number in range(9)))
    put_in_force(project, scorecard(signup=70))
    meanwhile(workers_work)

    told = rescore("--async")

    assert told.splitlines()[0] == "9 leads rescored, 9 moved."
    assert standing(project, "user-3")[0] == 70
    assert "Ctrl-C ends only this display" in capsys.readouterr().err


def test_a_rescore_in_the_background_that_a_later_one_replaces_says_so(
    meanwhile: Callable[[Callable[[], object]], None],
) -> None:
    project = make_project()
    track(project, event("signup"))

    def publish() -> None:
        put_in_force(project, scorecard(signup=70))
        walks.start_rescore(project.pk, by=None, now=NOON)

    meanwhile(publish)

    with pytest.raises(CommandError, match="did not come to its end: a later one has taken its place") as ended:
        rescore("--async")

    assert ended.value.returncode == 1


def test_a_lead_of_another_project_is_not_known() -> None:
    project, other = make_project("One"), make_project("Other")
    track(other, event("signup"))

    with pytest.raises(CommandError, match="in project “One”"):
        rescore("--lead", str(lead_of(other).pk), "--project", project.name)


def test_killed_half_way_and_repeated_it_ends_with_everything_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.rescore.MAX_LEADS", 3)
    project = make_project()
    track(project, *(event("signup", user=f"user-{number}") for number in range(9)))
    before = projections()
    ScoreEntry.objects.all().delete()
    LeadScore.objects.update(score=0, stage="cold")
    whole = rescore_leads
    calls = iter(range(9))

    def killed(*arguments: Any, **named: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments, **named)

    monkeypatch.setattr(walks, "rescore_leads", killed)
    with pytest.raises(KeyboardInterrupt):
        rescore()
    assert LeadScore.objects.filter(score=20).count() == 6
    monkeypatch.setattr(walks, "rescore_leads", whole)
    rescore()

    assert projections() == before


def test_events_that_arrive_meanwhile_still_fire_when_they_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    track(project, event("page_view", NOON))
    whole = rescore_leads

    def busy(*arguments: Any, **named: Any) -> Any:
        take_in(project, event("demo_request", NOON - timedelta(hours=1)))
        return whole(*arguments, **named)

    monkeypatch.setattr(walks, "rescore_leads", busy)
    with Listener() as heard:
        rescore()
        assert heard.outcomes == []
        drain_all()

    assert heard.crossings == [("cold", "hot", "demo_request")]
