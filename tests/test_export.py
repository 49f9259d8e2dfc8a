"""A project's export: everything of it, nothing of others, no secret; and enough to give the same scores again."""

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given

from automation.models import Action, Automation
from ingest.core.adjustments import Adjustment, Author
from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Event, Lead, Membership, Project, User
from ingest.services.adjustments import record_adjustment
from ingest.services.events import record
from ingest.services.keys import issue_key
from ingest.services.merges import merge_leads
from ingest.services.projects import create_project
from leadscore.export import export_lines
from scoring.core.ruleset import parse_ruleset
from scoring.models import DeadLetter
from scoring.services.publication import replace_and_publish
from tests.scoring.builders import LATER, NOON, drain_all, event, lead_of, make_project, take_in, track
from tests.scoring.test_laws import FIT, RICH, bounded, logs, undone

pytestmark = pytest.mark.django_db
Line = dict[str, Any]


def export(project: Project) -> list[Line]:
    return [json.loads(line) for part in export_lines(project.pk, now=LATER) for line in part.splitlines()]


def of_type(lines: Iterable[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["type"] == kind]


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def publish(project: Project, content: dict[str, Any], *, applies_from: datetime | None = None) -> None:
    spec = parse_ruleset(content)
    replace_and_publish(project.pk, spec, by=None, note="", applies_from=applies_from, now=NOON)


# --- What is in it -------------------------------------------------------------------------------------------------


def test_it_holds_everything_of_a_project_each_kind_with_its_own_type() -> None:
    project = make_project()
    issue_key(project.pk, KeyKind.SECRET, name="CRM")
    dana = User.objects.create_user("dana")
    Membership.objects.create(project=project, user=dana)
    automation = Automation.objects.create(project=project, name="Tell", to_stage="warm")
    Action.objects.create(automation=automation, kind=Action.Kind.SLACK, url="https://hooks.example/T1")
    track(project, event("signup", event_id="e1", plan="pro"))
    lead = lead_of(project)
    Lead.objects.filter(pk=lead.pk).update(owner=dana)
    take_in(project, event("page_view", event_id="e2"))

    lines = export(project)

    assert list(dict.fromkeys(line["type"] for line in lines)) == [
        *("export", "project", "membership", "key", "lead", "identifier", "event", "pendingEvent"),
        *("rulesetVersion", "draft", "score", "scoreEntry", "automation", "run", "delivery", "end"),
    ]
    assert lines[0] == {
        "type": "export",
        "format": 1,
        "projectId": str(project.pk),
        "exportedAt": "2026-03-31T12:00:00Z",
    }
    assert lines[-1] == {"type": "end", "lines": len(lines)}
    (told,) = of_type(lines, "lead")
    assert (told["id"], told["owner"]) == (str(lead.pk), "dana")
    assert of_type(lines, "membership") == [{"type": "membership", "username": "dana", "takesLeads": True}]
    (name,) = of_type(lines, "identifier")
    assert (name["kind"], name["value"], name["leadId"]) == ("user_id", "ada", str(lead.pk))
    (score,) = of_type(lines, "score")
    assert (score["score"], score["stage"]) == (20, "warm")
    (run,) = of_type(lines, "run")
    (delivery,) = of_type(lines, "delivery")
    assert (run["crossing"], delivery["runId"]) == ("cold>warm", run["id"])


def test_the_log_is_in_the_order_in_which_it_was_received() -> None:
    project = make_project()
    for number, hours in enumerate((5, 1, 3)):
        track(project, event("signup", NOON + timedelta(hours=hours), event_id=f"e{number}", number=number))

    told = of_type(export(project), "event")

    assert [line["eventId"] for line in told] == ["e0", "e1", "e2"]
    assert told[1] == {
        "type": "event",
        "id": str(Event.objects.get(event_id="e1").pk),
        "eventId": "e1",
        "leadId": str(lead_of(project).pk),
        "kind": "activity",
        "eventType": "signup",
        "occurredAt": "2026-03-01T13:00:00Z",
        "receivedAt": "2026-03-31T12:00:00Z",
        "sentAt": None,
        "timestamp": "2026-03-01T13:00:00Z",
        "sessionId": "",
        "properties": {"number": 1},
        "traits": {},
        "context": {},
    }


def test_an_event_that_is_parked_is_told_with_the_reason() -> None:
    project = make_project()
    track(project, event("signup", event_id="e1"))
    stored = Event.objects.get()
    DeadLetter.objects.create(event=stored, project=project, lead=lead_of(project), error="no", traceback="secret path")

    (told,) = of_type(export(project), "deadLetter")

    assert (told["event"], told["error"], told["discarded"]) == (str(stored.pk), "no", False)
    assert "traceback" not in told


def test_whatever_json_a_client_sent_is_still_json() -> None:
    project = make_project()
    take_in(project, event("signup", big=2**70, text='"\u2028\\ \U0001f680', nothing=None, fraction=0.1))

    (told,) = of_type(export(project), "event")

    assert told["properties"] == {"big": 2**70, "text": '"\u2028\\ \U0001f680', "nothing": None, "fraction": 0.1}


def test_no_secret_is_in_it() -> None:
    project = make_project()
    tokens = [issue_key(project.pk, kind)[1] for kind in KeyKind]
    automation = Automation.objects.create(project=project, name="Tell", to_stage="warm")
    Action.objects.create(automation=automation, kind=Action.Kind.SLACK, url="https://hooks.example/slack-secret")
    webhook = Action.objects.create(
        automation=automation, kind=Action.Kind.WEBHOOK, url="https://crm.example/?key=url-secret"
    )
    track(project, event("signup"))

    text = b"".join(export_lines(project.pk, now=LATER)).decode()

    of_keys = [secret for token in tokens for secret in (token.token, token.digest)]
    for secret in ("slack-secret", "url-secret", webhook.secret, *of_keys):
        assert secret not in text
    assert [line["hint"] for line in of_type(export(project), "key")] == [token.hint for token in tokens]
    assert ApiKey.objects.count() == 2


def test_nothing_of_another_project_is_in_it() -> None:
    mine, theirs = make_project(), make_project("Theirs")
    automation = Automation.objects.create(project=theirs, name="Secret automation", to_stage="warm")
    Action.objects.create(automation=automation, kind=Action.Kind.SLACK, url="https://hooks.example/1")
    issue_key(theirs.pk, KeyKind.SECRET, name="Secret key name")
    track(theirs, event("secret_event", user="secret-person"), event("signup", user="secret-person"))
    take_in(theirs, event("secret_event", user="secret-person"))
    track(mine, event("signup"))

    text = b"".join(export_lines(mine.pk, now=LATER)).decode()

    assert "ecret" not in text
    assert str(theirs.pk) not in text


# --- The law -------------------------------------------------------------------------------------------------------


def read_back(lines: list[Line]) -> Project:
    """Make a project of an export's rules and events, through the services that every project is made by.

    A lead is called by the id it had.
    """
    (told,) = of_type(lines, "project")
    project = create_project(f"{told['name']} again", time_zone=told["timeZone"], now=NOON)
    for version in of_type(lines, "rulesetVersion"):
        publish(project, version["content"], applies_from=moment(version["appliesFrom"]))
    homes = {line["id"]: line["mergedInto"] or line["id"] for line in of_type(lines, "lead")}
    events = [
        IncomingEvent(
            event_id=line["eventId"],
            event_type=line["eventType"],
            names=(Name("user_id", homes[line["leadId"]]),),
            kind=line["kind"],
            timestamp=moment(line["occurredAt"]),
            session_id=line["sessionId"],
            properties=line["properties"],
            traits=line["traits"],
            context=line["context"],
        )
        for line in of_type(lines, "event")
        if line["kind"] != "merge"
    ]
    record(project.pk, events, now=LATER)
    drain_all()
    return project


def scores(lines: list[Line], leads: dict[str, str]) -> list[tuple[Any, ...]]:
    """Return where leads stand and every line of their ledgers, leads by their names and events by their own ids."""
    told: list[tuple[Any, ...]] = [
        (leads[line["leadId"]], line["scorecard"], line["score"], line["stage"]) for line in of_type(lines, "score")
    ]
    fields = ("scorecard", "sequence", "kind", "eventId", "occurredAt", "delta", "newScore", "newStage", "rules")
    entries = of_type(lines, "scoreEntry")
    told += [(leads[line["leadId"]], *(json.dumps(line[name]) for name in fields)) for line in entries]
    return sorted(told, key=repr)


def assert_the_same_scores_again(project: Project) -> None:
    lines = export(project)
    again = export(read_back(lines))
    called = {line["leadId"]: line["value"] for line in of_type(again, "identifier") if line["kind"] == "user_id"}
    assert scores(again, called) == scores(lines, {line["id"]: line["id"] for line in of_type(lines, "lead")})


@bounded
@given(log=logs)
def test_its_rules_and_events_give_the_same_scores_in_a_fresh_project(log: list[tuple[str, datetime, str]]) -> None:
    with undone():
        project = make_project()
        publish(project, {"scorecards": [RICH, FIT]})
        track(project, *(event(kind, at, user=user, event_id=f"e{n}") for n, (kind, at, user) in enumerate(log)))
        assert_the_same_scores_again(project)


def test_versions_adjustments_traits_and_the_time_zone_give_the_same_scores_too() -> None:
    project = create_project("Acme", time_zone="Pacific/Auckland", now=NOON)
    publish(project, {"scorecards": [RICH]})
    publish(project, {"scorecards": [RICH, FIT]}, applies_from=NOON + timedelta(days=2))
    pro = {"field": "traits.plan", "op": "eq", "value": "pro"}
    fit = {"name": "Fit", "basis": "traits", "rules": [{"name": "Pro", "event": "*", "when": pro, "points": 30}]}
    publish(project, {"scorecards": [RICH, fit]}, applies_from=NOON + timedelta(days=4))
    for day in range(6):
        track(project, *(event("page_view", NOON + timedelta(days=day, hours=hour)) for hour in range(3)))
    known = IncomingEvent(
        event_type="identify", names=(Name("user_id", "ada"),), timestamp=NOON, traits={"plan": "pro"}
    )
    record(project.pk, [known], now=LATER)
    adjustment = Adjustment(points=Decimal("12.5"), reason="Met at the fair", scorecard="Engagement")
    record_adjustment(project.pk, lead_of(project).pk, adjustment, author=Author(id="1", name="dana"), now=LATER)
    drain_all()

    assert_the_same_scores_again(project)


def test_leads_that_were_merged_give_the_same_scores_too() -> None:
    project = make_project()
    publish(project, {"scorecards": [RICH]})
    track(project, event("signup", user="ada"), event("demo_request", user="bob"))
    merge_leads(project.pk, lead_of(project, "ada").pk, lead_of(project, "bob").pk, by="dana", now=LATER)
    drain_all()

    lines = export(project)

    (merge,) = of_type(lines, "merge")
    assert merge["undoneAt"] is None
    assert [line["mergedInto"] for line in of_type(lines, "lead") if line["mergedInto"]] == [merge["into"]]
    assert_the_same_scores_again(project)


# --- The command ---------------------------------------------------------------------------------------------------


def test_the_command_writes_a_file_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project()
    track(project, event("signup"))
    file = tmp_path / "acme.jsonl"

    call_command("export_project", "Acme", "--output", str(file))

    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert lines[-1] == {"type": "end", "lines": len(lines)}
    assert f"{len(lines):,} lines" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


def test_the_command_compresses_where_the_name_says_so(tmp_path: Path) -> None:
    project = make_project()
    file = tmp_path / "acme.jsonl.gz"

    call_command("export_project", str(project.pk), "--output", str(file))

    first, *_ = gzip.decompress(file.read_bytes()).splitlines()
    assert json.loads(first)["projectId"] == str(project.pk)


def test_without_a_file_the_command_writes_to_its_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    make_project()

    call_command("export_project", "Acme")

    assert json.loads(capfdbinary.readouterr().out.splitlines()[-1])["type"] == "end"


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    make_project()

    with pytest.raises(CommandError, match="There is no project “Nobody”"):
        call_command("export_project", "Nobody")
    with pytest.raises(CommandError, match=r"nowhere/a\.jsonl cannot be written: No such file"):
        call_command("export_project", "Acme", "--output", str(tmp_path / "nowhere" / "a.jsonl"))
