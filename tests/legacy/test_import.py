"""`manage.py import_legacy_mongo`: from what the original left behind to projects that score by events and rules."""

import csv
import socket
import sys
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from automation.models import Action, Automation, Run
from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Event, Identifier, Lead, Membership, PendingEvent, Project, User
from ingest.selectors import active_key
from leadscore.legacy.comparison import reasons
from leadscore.legacy.transfer import Past
from scoring.models import LeadScore, RulesetVersion
from scoring.services.draft import draft_of
from tests.builders import Caller
from tests.legacy.original import (
    ADA,
    BOB,
    NOON,
    OLD_KEY,
    event,
    lead,
    oid,
    original,
    served,
    write_dump,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def dump(tmp_path: Path) -> str:
    return str(write_dump(tmp_path / "dump", original()))


def run(source: str, *options: str) -> str:
    told = StringIO()
    call_command("import_legacy_mongo", source, *options, stdout=told)
    return told.getvalue()


def stored() -> dict[str, Any]:
    """Return everything an import writes, with its ids."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in (Project, ApiKey, Lead, Identifier, Event, PendingEvent, RulesetVersion, LeadScore)
    }


def standing(anonymous_id: object) -> tuple[Decimal, str]:
    name = Identifier.objects.get(kind="anonymous_id", value=f"anon-{anonymous_id}")
    score = LeadScore.objects.get(lead=name.lead)
    return score.score, score.stage


# --- What is taken over --------------------------------------------------------------------------------------------


def test_projects_rules_leads_and_events_are_taken_over_and_scored(dump: str) -> None:
    told = run(dump)

    acme, other = Project.objects.order_by("name")
    assert (acme.name, other.name) == ("Acme", "Other")
    assert draft_of(acme.pk) == draft_of(other.pk)
    assert [(str(rule.event), rule.points, rule.active) for rule in draft_of(acme.pk).scorecards[0].rules] == [
        ("signup", Decimal(20), True),
        ("pricing_viewed", Decimal(15), True),
        ("old", Decimal(5), False),
    ]
    assert RulesetVersion.objects.filter(project=acme).latest("number").note == "Taken over from the Node.js original"
    ada = Lead.objects.get(email="ada@example.com")
    assert (ada.name, ada.company, ada.project) == ("Ada", "Engines", acme)
    (signup,) = Event.objects.filter(lead=ada, event_type="signup")
    assert (signup.event_id, signup.occurred_at) == ("event-1", NOON)
    assert signup.properties == {"plan": "pro", "price": 9.5, "by": str(BOB)}
    assert standing(ADA) == (Decimal(35), "hot")
    assert standing(BOB) == (Decimal(20), "warm")
    assert not PendingEvent.objects.exists()
    assert "events                     5             5             0         0" in told


def test_a_second_run_changes_nothing(dump: str) -> None:
    run(dump, "--keep-keys")
    before = stored()

    told = run(dump, "--keep-keys")

    assert stored() == before
    assert "events                     5             0             5         0" in told
    assert "Secret key" not in told


def test_a_later_run_adds_what_is_new(dump: str, tmp_path: Path) -> None:
    run(dump)
    documents = original()
    documents["events"].append(event(6, BOB, "signup", hours=9))
    documents["leads"].append(lead(oid(14)))

    told = run(str(write_dump(tmp_path / "later", documents)))

    assert standing(BOB) == (Decimal(40), "hot")
    assert "leads                      4             1             3         0" in told


def test_rules_that_somebody_has_changed_since_are_left_alone(dump: str, tmp_path: Path) -> None:
    run(dump)
    documents = original()
    documents["scoringrules"] = []

    run(str(write_dump(tmp_path / "later", documents)))

    assert {version.number for version in RulesetVersion.objects.all()} == {1, 2}


def test_a_dry_run_reports_the_same_and_stores_nothing(dump: str) -> None:
    told = run(dump, "--dry-run")

    assert "Nothing has been stored." in told
    assert "events                     5             5             0         0" in told
    assert not any(stored().values())


def test_without_rules_the_projects_have_the_default_ones(tmp_path: Path) -> None:
    documents = original()
    del documents["scoringrules"]

    told = run(str(write_dump(tmp_path / "dump", documents)))

    assert "There are no rules: the projects have the default ones." in told
    assert RulesetVersion.objects.count() == 2  # one each


def test_stages_are_those_asked_for(dump: str) -> None:
    run(dump, "--stages", "new=0, known=5")

    assert standing(ADA) == (Decimal(35), "known")


def test_a_project_that_was_deleted_and_is_imported_again_has_the_rules_of_the_new_import(dump: str) -> None:
    run(dump)
    Project.objects.all().delete()

    run(dump, "--stages", "new=0,known=5")

    assert standing(ADA) == (Decimal(35), "known")


def test_what_has_no_project_comes_into_one_of_its_own(tmp_path: Path) -> None:
    documents = original()
    documents["leads"].append({"_id": oid(14), "email": "old@example.com", "currentScore": 20})
    documents["events"].append({"_id": oid(15), "leadId": oid(14), "eventType": "signup", "timestamp": NOON})

    run(str(write_dump(tmp_path / "dump", documents)))

    unowned = Project.objects.get(name="Leads of no project")
    assert LeadScore.objects.get(project=unowned).score == 20


def test_an_event_of_a_lead_that_is_gone_goes_to_whom_its_identifier_means(tmp_path: Path) -> None:
    documents = original()
    documents["events"].append(event(6, oid(99), "signup", anonymousId=f"anon-{BOB}"))

    run(str(write_dump(tmp_path / "dump", documents)))

    assert standing(BOB) == (Decimal(40), "hot")


def test_what_is_skipped_is_counted_with_the_reason(tmp_path: Path) -> None:
    documents = original()
    documents["events"] += [
        event(6, ADA, "—"),
        event(7, oid(99), "signup", anonymousId=None),
        event(8, oid(99), "signup", projectId="gone"),
        event(9, ADA, "signup", properties={"text": "x" * 40_000}),
    ]
    documents["leads"].append(lead(oid(14), project=oid(98)))

    for options in ((), ("--dry-run",)):
        told = run(str(write_dump(tmp_path / "dump", documents)), *options)

        assert "events, 1 skipped: has no type that can be stored" in told
        assert "events, 1 skipped: belong to a lead that is not there" in told
        assert "events, 1 skipped: belong to a project that is not there" in told
        assert "leads, 1 skipped: belong to a project that is not there" in told
        assert "failedjobs, 2 not taken over: the events they are about are taken over and scored" in told
        assert "users, 1 not taken over" in told


# --- Keys and people -----------------------------------------------------------------------------------------------


def test_projects_get_new_keys_and_the_old_one_opens_nothing(dump: str) -> None:
    told = run(dump)

    keys = [word for word in told.split() if word.startswith(("pk_", "sk_"))]
    assert len(keys) == 4
    assert all(active_key(key) for key in keys)
    assert active_key(OLD_KEY) is None


def test_an_old_key_goes_on_sending_events_where_its_owner_asks_for_it_and_does_nothing_else(dump: str) -> None:
    told = run(dump, "--keep-keys")

    assert "As asked, the old key pk_ababab… still sends events." in told
    assert "is kept, but inactive" in told  # the second project was switched off
    caller = Caller(token=OLD_KEY)
    assert caller.track("signup", anonymousId=f"anon-{BOB}").status_code == 202
    assert caller.get("/api/leads").status_code == 403
    kept = ApiKey.objects.get(token=OLD_KEY)
    assert (kept.kind, kept.events_per_minute) == (KeyKind.WRITE.value, 250)


def test_somebody_can_be_made_a_member_of_every_project(dump: str) -> None:
    dana = User.objects.create_user("dana")

    run(dump, "--member", "dana")

    assert Membership.objects.filter(user=dana).count() == 2


# --- Nothing fires for the past ------------------------------------------------------------------------------------


def tell_when_hot(**values: Any) -> Automation:
    automation = Automation.objects.create(
        project=Project.objects.get(name="Acme"), name="Tell", to_stage="hot", **values
    )
    Action.objects.create(automation=automation, kind=Action.Kind.SLACK, url="https://hooks.example/1")
    return automation


def later_dump(tmp_path: Path) -> str:
    documents = original()
    documents["events"].append(event(6, BOB, "signup", hours=9))
    return str(write_dump(tmp_path / "later", documents))


def test_a_later_run_with_new_events_waits_until_automations_are_switched_off(dump: str, tmp_path: Path) -> None:
    run(dump)
    automation = tell_when_hot()

    with pytest.raises(CommandError, match="“Acme” has active automations by now"):
        run(later_dump(tmp_path))
    assert standing(BOB) == (Decimal(20), "warm")

    Automation.objects.filter(pk=automation.pk).update(active=False)
    run(later_dump(tmp_path))
    assert standing(BOB) == (Decimal(40), "hot")
    assert not Run.objects.exists()


def test_a_later_run_with_nothing_new_does_not_mind_automations(dump: str) -> None:
    run(dump)
    tell_when_hot()

    run(dump)

    assert not Run.objects.exists()


# --- The comparison ------------------------------------------------------------------------------------------------


def test_the_scores_are_compared_and_the_differences_explained(dump: str, tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"

    told = run(dump, "--comparison", str(file))

    assert "3 leads compared: 2 have their old score." in told
    rows = {row["lead"]: row for row in csv.DictReader(StringIO(file.read_text()))}
    assert rows.keys() == {"ada@example.com", f"anon-{BOB}", f"anon-{oid(13)}"}
    ada, bob = rows["ada@example.com"], rows[f"anon-{BOB}"]
    assert (ada["old_score"], ada["new_score"], ada["why it can differ"]) == ("35", "35.00", "")
    assert (bob["project"], bob["old_score"], bob["new_score"]) == ("Acme", "100", "20.00")
    assert (bob["old_stage"], bob["new_stage"]) == ("qualified", "warm")
    assert bob["why it can differ"] == "1 event was stored but never scored there; its own history adds up to 40"


def test_leads_of_one_address_are_one_lead_here(tmp_path: Path) -> None:
    documents = original()
    documents["leads"].append(lead(oid(14), score=5, email="ada@example.com"))

    told = run(str(write_dump(tmp_path / "dump", documents)))

    assert "2 of the original's leads have the same identifier and are one lead here" in told


@pytest.mark.parametrize(
    ("old", "past", "told"),
    [
        (None, Past(), "the original stored no score"),
        (Decimal(5), Past(refused=2), "2 events could not be taken over"),
        (Decimal(5), Past(unscored=1_234), "1,234 events were stored but never scored there"),
        (Decimal(20), Past(steps=3, sum=Decimal(20), events=2), "its history has 3 rows for 2 events"),
        (Decimal(5), Past(), "the rules were others when it was scored, or it was changed by hand"),
    ],
)
def test_every_difference_has_a_reason(old: Decimal | None, past: Past, told: str) -> None:
    assert reasons(old, past, leads_in_one=1) == (told,)


# --- Where it is read from -----------------------------------------------------------------------------------------


def test_a_server_is_read_by_pymongo_as_a_dump_is(dump: str) -> None:
    with served(original()) as address:
        told = run(address, "--dry-run")

    assert told == run(dump, "--dry-run")


def test_a_compressed_dump_is_read_and_one_level_deeper_too(dump: str, tmp_path: Path) -> None:
    inner = write_dump(tmp_path / "compressed" / "leadscoring", original(), compressed=True)

    assert run(str(inner.parent), "--dry-run") == run(dump, "--dry-run")


def test_a_damaged_dump_says_which_file(dump: str) -> None:
    file = Path(dump) / "leads.bson"
    file.write_bytes(file.read_bytes()[:-5])

    with pytest.raises(CommandError, match=r"leads\.bson is damaged"):
        run(dump, "--dry-run")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("nowhere", "nowhere is neither a directory nor a mongodb:// address"),
        ("mongodb://127.0.0.1:1", "It names the database at its end"),
        ("mongodb://", "The address of the database cannot be used"),
    ],
)
def test_a_source_that_is_none_is_refused_in_a_sentence(source: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run(source)


def test_a_server_that_is_not_there_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadscore.legacy.source.TIMEOUT_MS", 100)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with pytest.raises(CommandError, match="The database cannot be reached"):
        run(f"mongodb://127.0.0.1:{port}/leadscoring")


def test_an_empty_directory_and_one_of_several_databases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"holds no \.bson files"):
        run(str(tmp_path))
    write_dump(tmp_path / "a", original())
    write_dump(tmp_path / "b", original())
    with pytest.raises(CommandError, match="several databases"):
        run(str(tmp_path))


def test_without_pymongo_a_sentence_says_what_to_install(dump: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymongo", None)

    with pytest.raises(CommandError, match=r"pip install -r requirements-legacy\.txt"):
        run(dump)


@pytest.mark.parametrize("options", [("--member", "nobody"), ("--stages", "cold"), ("--comparison", "/nowhere/a.csv")])
def test_options_that_make_no_sense_are_refused(dump: str, options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(dump, *options)
