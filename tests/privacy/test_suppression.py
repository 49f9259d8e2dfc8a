"""Suppressed names: nothing that carries one is stored, whichever way it comes in, until it is lifted."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from ingest import refusals
from ingest.core.identity import Name
from ingest.core.suppression import digest_of
from ingest.models import Event, Lead, Project, Suppression
from ingest.services.suppressions import NameInUse, lift, suppress, suppression_of
from tests.builders import Caller, caller_of, make_project, problem_of

pytestmark = pytest.mark.django_db

BEGIN_AND_COMMIT = 2  # a savepoint, in a test


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


@pytest.fixture(autouse=True)
def _grace_is_suppressed(project: Project) -> None:
    for name in (
        Name("email", "grace@navy.example"),
        Name("user_id", "grace-1"),
        Name("anonymous_id", "browser-77"),
        Name("external_id", "crm:9"),
    ):
        assert suppress(project.pk, name, reason="Objected", by="dana", now=timezone.now()) is None


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"userId": "grace-1"}, "/userId"),
        ({"anonymousId": "browser-77"}, "/anonymousId"),
        ({"email": "Grace@Navy.example "}, "/email"),
        ({"externalIds": {"crm": "9"}, "userId": "free"}, "/externalIds/crm"),
        ({"userId": "free", "traits": {"email": "grace@navy.example"}}, "/traits/email"),
        ({"userId": "free", "anonymousId": "browser-77"}, "/anonymousId"),
        ({"userId": "GRACE@navy.example"}, "/userId"),
    ],
)
def test_an_event_that_carries_a_suppressed_name_is_refused(
    caller: Caller, fields: dict[str, Any], pointer: str
) -> None:
    problem = problem_of(caller.post("/api/events", {"eventType": "identify", **fields}))

    assert (problem["status"], problem["code"]) == (403, "suppressed")
    assert [found["pointer"] for found in problem["errors"]] == [pointer]
    assert not Event.objects.exists()
    assert not Lead.objects.exists()


def test_in_a_batch_only_the_suppressed_persons_events_are_rejected(caller: Caller) -> None:
    events = [{"eventType": "a", "userId": user} for user in ("ada", "grace-1", "bob")]

    answer = caller.post("/api/events/batch", {"events": events}).json()

    assert (answer["accepted"], answer["duplicates"]) == (2, 0)
    assert [(found["index"], found["code"]) for found in answer["rejected"]] == [(1, "suppressed")]


def test_segments_clients_are_told_success_and_the_refusal_is_counted(caller: Caller, settings: Settings) -> None:
    before = refusals.counted().get("suppressed", 0)
    batch = [{"type": "track", "event": "Signed Up", "userId": user, "messageId": user} for user in ("grace-1", "ada")]

    answer = caller.post("/v1/batch", {"batch": batch})

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert refusals.counted().get("suppressed", 0) == before + 1
    assert Event.objects.count() == 1


def test_a_lead_with_a_suppressed_name_is_neither_made_nor_changed_to(caller: Caller) -> None:
    lead_id = caller.post("/api/leads", {"name": "Somebody"}).json()["id"]

    made = problem_of(caller.post("/api/leads", {"email": "grace@navy.example"}))
    changed = problem_of(caller.patch(f"/api/leads/{lead_id}", {"userId": "grace-1", "name": "Grace"}))

    assert (made["status"], made["code"], changed["status"], changed["code"]) == (403, "suppressed", 403, "suppressed")
    assert caller.get(f"/api/leads/{lead_id}").json()["name"] == "Somebody"


def test_a_name_that_is_lifted_is_stored_again(project: Project, caller: Caller) -> None:
    assert lift(project.pk, Name("user_id", "grace-1"))

    assert caller.track(userId="grace-1").status_code == 202
    assert caller.track(userId="grace-1", email="grace@navy.example").status_code == 403
    assert not lift(project.pk, Name("user_id", "grace-1"))


def test_a_name_somebody_answers_to_is_not_suppressed_beside_them(project: Project, caller: Caller) -> None:
    lead_id = caller.track(userId="ada").json()["leadId"]

    found = suppress(project.pk, Name("user_id", "ada"), reason="", by="dana", now=timezone.now())

    assert isinstance(found, NameInUse)
    assert str(found.lead_id) == lead_id
    assert caller.track(userId="ada").status_code == 202


def test_only_a_keyed_hash_of_a_name_is_kept(project: Project) -> None:
    other = make_project("Other")
    suppress(other.pk, Name("user_id", "grace-1"), reason="", by="dana", now=timezone.now())

    digests = set(Suppression.objects.filter(kind="user_id").values_list("digest", flat=True))

    assert len(digests) == 2
    assert digest_of(Name("user_id", "grace-1"), key=bytes.fromhex(project.pseudonym_key)) in digests


def test_another_secret_key_lifts_nothing(project: Project, caller: Caller, settings: Settings) -> None:
    settings.SECRET_KEY = "another"

    assert caller.track(userId="grace-1").status_code == 403
    assert suppression_of(project.pk, Name("user_id", "grace-1")) is not None


def test_events_of_known_people_cost_no_query_more(
    caller: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller.track(userId="ada")

    with django_assert_num_queries(6 + BEGIN_AND_COMMIT):
        caller.track(userId="ada")


def test_a_batch_asks_once_whatever_its_size(caller: Caller, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    events = [{"eventType": "a", "userId": f"u{number}"} for number in range(100)]
    caller.post("/api/events/batch", {"events": events[:1]})

    with django_assert_num_queries(11 + BEGIN_AND_COMMIT):
        caller.post("/api/events/batch", {"events": events})
