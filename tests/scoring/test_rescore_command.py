"""`manage.py rescore`: what it says, whom it rescores, and that it may be killed and repeated."""

import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from scoring.management.commands import rescore as command
from scoring.models import LeadScore, ScoreEntry
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
        (["--lead", str(uuid4()), "--project", "Twin"], "2 projects are called “Twin”. Give the id of one."),
    ],
)
def test_it_says_what_it_does_not_know(arguments: list[str], sentence: str) -> None:
    make_project("Twin")
    make_project("Twin")

    with pytest.raises(CommandError, match=f"^{sentence}$"):
        rescore(*arguments)


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
