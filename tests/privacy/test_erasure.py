"""Erasing a person: nothing of them is left anywhere, the totals stay, and nothing of theirs is stored again."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.models import Delivery, Run
from automation.services.deliveries import deliver_due
from ingest.core.identity import Name
from ingest.models import Erasure, Event, Identifier, Lead, PendingEvent, Project, RefusedName, Suppression
from ingest.services import erasures
from ingest.services.merges import merge_leads, separate_leads
from ingest.services.suppressions import lift
from scoring.models import DeadLetter, LeadScore, LeadState, Refold, ScoreEntry, Walk
from scoring.services import walks
from scoring.services.verification import verify_leads
from tests.builders import Caller, caller_of, drain_all, make_member, make_project, problem_of
from tests.privacy.build import STRINGS, found_in_database, ids_of, make_grace

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def erase(caller: Caller, lead_id: str) -> None:
    answer = caller.call("DELETE", f"/api/leads/{lead_id}")
    assert (answer.status_code, answer.content) == (204, b"")


def per_type() -> Counter[tuple[str, str]]:
    return Counter(Event.objects.values_list("event_type", "kind"))


def test_nothing_of_an_erased_person_is_in_any_column_of_any_table(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    leads = [lead.pk for lead in Lead.objects.all()]
    member = make_member(project, "ann")
    Lead.objects.update(owner=member)
    LogEntry.objects.create(
        user=member,
        content_type=ContentType.objects.get_for_model(Lead),
        object_id=lead_id,
        object_repr="Grace Hopper",
        action_flag=CHANGE,
        change_message="grace@navy.example",
    )
    drain_all()
    walk = walks.start_rescore(project.pk, by=None, now=timezone.now(), in_background=False)
    for part in walk.parts.all():
        list(walks.steps(part.pk, any_cursor=True))
    strings = (*STRINGS, *ids_of(leads))
    assert {place.rpartition(": ")[2] for place in found_in_database(strings)} > {*STRINGS} - {"203.0.113.9"}

    erase(caller, lead_id)

    assert found_in_database(strings) == []
    assert len(leads) == 2
    assert not Lead.objects.exists()
    assert Walk.objects.get().result["leads"] == 1


def test_what_is_counted_of_events_stays_as_it_was(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    before = per_type(), caller.get("/api/analytics/throughput").json(), list(Event.objects.values_list("occurred_at"))

    erase(caller, lead_id)

    assert (
        per_type(),
        caller.get("/api/analytics/throughput").json(),
        list(Event.objects.values_list("occurred_at")),
    ) == before
    shown = caller.get("/api/events").json()["results"]
    assert len(shown) == len(before[2])
    assert {event["leadId"] for event in shown} == {None}
    assert all(event["eventId"].startswith("erased:") for event in shown)


def test_what_follows_from_a_persons_events_goes_with_them(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    DeadLetter.objects.create(
        event=Event.objects.get(event_id="secret-event-2"), project=project, lead_id=lead_id, error="x", traceback="y"
    )
    Refold.objects.create(lead_id=lead_id, quiet=True, requested_at=timezone.now())
    assert PendingEvent.objects.exists()
    assert Delivery.objects.filter(status=Delivery.Status.PENDING).exists()

    erase(caller, lead_id)

    for model in (LeadScore, LeadState, ScoreEntry, DeadLetter, Refold, Run, Delivery, PendingEvent, Identifier):
        assert not model.objects.exists(), model


def test_no_mail_about_an_erased_person_goes_out(project: Project, caller: Caller, mailoutbox: list[object]) -> None:
    lead_id = make_grace(caller, project)
    erase(caller, lead_id)

    deliver_due(seconds=5)
    drain_all()
    deliver_due(seconds=5)

    assert mailoutbox == []


def test_every_route_answers_404_for_each_id_the_person_had(project: Project, caller: Caller) -> None:
    make_grace(caller, project)
    leads = [str(lead.pk) for lead in Lead.objects.all()]

    erase(caller, leads[-1])

    assert len(leads) == 2
    for lead_id in leads:
        for route in ("", "/history", "/timeline", "/intelligence", "/explain", "/export", "/adjustments", "/merge"):
            method = "POST" if route in {"/adjustments", "/merge"} else "GET"
            assert caller.call(method, f"/api/leads/{lead_id}{route}", {}).status_code == 404, route
        assert caller.patch(f"/api/leads/{lead_id}", {"name": "x"}).status_code == 404
        assert caller.call("DELETE", f"/api/leads/{lead_id}").status_code == 404
        assert problem_of(caller.track(leadId=lead_id))["code"] == "lead_not_found"
        assert caller.get(f"/api/events?lead={lead_id}").status_code == 404
    assert caller.get("/api/leads").json()["results"] == []
    assert caller.get("/api/leaderboard").json()["results"] == []
    assert caller.get("/api/analytics/overview").json()["leads"] == 0


def test_other_peoples_scores_do_not_move(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    other = caller.track("demo_request", userId="ada").json()["leadId"]
    drain_all()
    before = caller.get(f"/api/leads/{other}").json(), caller.get(f"/api/leads/{other}/history").json()

    erase(caller, lead_id)
    drain_all()

    assert (caller.get(f"/api/leads/{other}").json(), caller.get(f"/api/leads/{other}/history").json()) == before
    assert verify_leads(project.pk, [UUID(other)]) == []


def test_an_event_that_is_sent_again_is_refused_and_changes_nothing(project: Project, caller: Caller) -> None:
    erase(caller, make_grace(caller, project))
    before = per_type()

    answer = caller.track("signup", eventId="secret-event-2", userId="grace-1", externalIds={"crm": "crm-9"})

    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (403, "suppressed")
    assert [found["pointer"] for found in problem["errors"]] == ["/userId", "/externalIds/crm"]
    assert "grace" not in answer.content.decode()
    assert per_type() == before
    assert not Lead.objects.exists()


def test_the_id_of_an_erased_persons_event_stays_taken_whoever_sends_it(project: Project, caller: Caller) -> None:
    erase(caller, make_grace(caller, project))
    before = per_type()

    answers = [
        caller.track("signup", eventId="secret-event-2", userId="somebody-else"),
        caller.post("/api/events/batch", {"events": [{"eventType": "a", "eventId": "secret-event-1", "userId": "u"}]}),
    ]

    assert answers[0].json() == {"status": "duplicate", "eventId": "secret-event-2", "leadId": None}
    assert answers[1].json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert per_type() == before
    assert not Lead.objects.exists()


def test_an_id_stays_taken_when_the_name_is_free_again(project: Project, caller: Caller) -> None:
    erase(caller, make_grace(caller, project))
    assert lift(project.pk, Name("user_id", "grace-1"))

    assert caller.track("signup", eventId="secret-event-2", userId="grace-1").json()["status"] == "duplicate"
    assert caller.track("signup", eventId="new", userId="grace-1").json()["status"] == "queued"


def test_others_forget_that_they_were_merged_with_the_person(project: Project, caller: Caller) -> None:
    grace = UUID(make_grace(caller, project))
    other = UUID(caller.track("signup", userId="grace-2").json()["leadId"])
    merge_leads(project.pk, grace, other, by="Grace Hopper herself", now=timezone.now())
    separate_leads(project.pk, grace, other, by="Grace Hopper herself", now=timezone.now())
    caller.track("identify", userId="grace-2", email="grace@navy.example")
    assert RefusedName.objects.filter(value="grace@navy.example").exists()
    drain_all()
    before = caller.get(f"/api/leads/{other}").json()["currentScore"]

    erase(caller, str(grace))
    drain_all()

    assert caller.get(f"/api/leads/{other}").json()["currentScore"] == before
    assert verify_leads(project.pk, [other]) == []
    kept = tuple(text for text in STRINGS if text != "grace-1")
    assert found_in_database((*kept, *ids_of([grace]))) == []
    kinds = [line["kind"] for line in caller.get(f"/api/leads/{other}/timeline").json()["results"]]
    assert {"unmerge"} <= set(kinds)


def test_a_name_that_means_nobody_is_not_suppressed(project: Project, caller: Caller) -> None:
    erase(caller, caller.track(userId="null").json()["leadId"])

    assert not Suppression.objects.exists()
    assert caller.track(userId="null").status_code == 202


def test_an_erasure_is_noted_without_saying_whose(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    events = Event.objects.count()

    erase(caller, lead_id)

    note = Erasure.objects.get()
    assert (note.cause, note.leads, note.names, note.events) == ("request", 2, 4, events)
    assert note.by.startswith("key sk_")
    assert timezone.now() - note.erased_at < timedelta(minutes=1)


def test_another_projects_person_cannot_be_erased(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    stranger = caller_of(make_project("Other"))

    assert stranger.call("DELETE", f"/api/leads/{lead_id}").status_code == 404
    assert Lead.objects.count() == 2
    assert caller_of(project).call("DELETE", "/api/leads/nonsense").status_code == 404


def test_a_project_goes_with_everything_in_it(project: Project, caller: Caller) -> None:
    erase(caller, make_grace(caller, project))
    caller.track(userId="ada")
    drain_all()

    Project.objects.filter(pk=project.pk).delete()

    assert not Event.objects.exists()
    assert not Suppression.objects.exists()


def test_suppression_is_of_one_project_only(project: Project, caller: Caller) -> None:
    erase(caller, make_grace(caller, project))

    assert caller_of(make_project("Other")).track(userId="grace-1").status_code == 202


def test_a_person_with_more_events_than_a_portion_is_erased_whole(
    project: Project, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "PORTION", 3)
    for number in range(10):
        lead_id = caller.track("page_view", properties={"n": f"cobol-{number}"}).json()["leadId"]

    erase(caller, lead_id)

    assert Erasure.objects.get().events == 10
    assert found_in_database(("cobol",)) == []


words = st.text(alphabet="abcdefghij", min_size=12, max_size=20)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    user=words,
    email=words.map(lambda word: f"{word}@example.com"),
    events=st.lists(
        st.tuples(words, words, st.sampled_from(["page_view", "signup", "identify"])), min_size=1, max_size=6
    ),
    scored=st.booleans(),
)
def test_whatever_a_person_did_nothing_of_it_is_left_but_the_count(
    user: str, email: str, events: list[tuple[str, str, str]], scored: bool
) -> None:
    project = make_project()
    caller = caller_of(project)
    for event_id, value, event_type in events:
        caller.track(
            event_type,
            eventId=event_id,
            userId=user,
            email=email,
            sessionId=value,
            properties={"p": value, value[:10]: 1},
            traits={"t": value},
            context={"page": {"path": value}},
        )
    if scored:
        drain_all()
    counted = Event.objects.filter(project=project).count()
    lead_id = caller.track("page_view", userId=user).json()["leadId"]

    erase(caller, lead_id)

    strings = (user, email, *(text for event_id, value, _ in events for text in (event_id, value)), lead_id)
    assert found_in_database(strings) == []
    assert Event.objects.filter(project=project, lead=None).count() == counted + 1
    assert caller.track(userId=user).status_code == 403
    assert caller.track(email=email.upper(), anonymousId="free").status_code == 403
