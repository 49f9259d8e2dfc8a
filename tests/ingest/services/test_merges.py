"""Leads that turn out to be one, and two again."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from ingest.core.identity import Reason
from ingest.models import ApiKey, Event, Lead, Merge, PendingEvent, Project, RefusedName, User
from ingest.services.merges import MergeRefused, Separated, merge_leads, separate_leads
from ingest.slots import SLOTS
from scoring.models import LeadScore, LeadState, Refold, ScoreEntry
from scoring.services.fading import fade
from scoring.services.verification import verify_leads
from scoring.signals import LeadOutcome, scored
from tests.builders import Caller, caller_of, drain_all, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def lead(caller: Caller, **name: str) -> str:
    """Send a page view of somebody with this name and return the lead it counts for."""
    answer = caller.track("page_view", **name)
    assert answer.status_code == 202
    return str(answer.json()["leadId"])


def shown(caller: Caller, lead_id: str) -> dict[str, Any]:
    answer = caller.get(f"/api/leads/{lead_id}")
    assert answer.status_code == 200
    return dict(answer.json())


def identify(caller: Caller, **fields: Any) -> str:
    return str(caller.track("identify", **fields).json()["leadId"])


@pytest.fixture
def outcomes() -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Return a function that tells which stages have been crossed since it was last called."""
    crossed: list[tuple[str, str]] = []

    def note(outcomes: Sequence[LeadOutcome], **_: Any) -> None:
        crossed.extend((crossing.old_stage, crossing.new_stage) for each in outcomes for crossing in each.crossings)

    def take() -> list[tuple[str, str]]:
        taken = crossed[:]
        crossed.clear()
        return taken

    scored.connect(note)
    yield take
    scored.disconnect(note)


def assert_all_agrees(project: Project) -> None:
    """What is stored of every lead is what a fresh fold of its log gives."""
    leads = list(Lead.objects.filter(project=project, merged_into=None).values_list("pk", flat=True))
    assert verify_leads(project.pk, leads) == []
    for model in (LeadScore, LeadState, ScoreEntry):
        assert set(model.objects.values_list("lead", flat=True)) <= set(leads)
    assert not Refold.objects.exists()
    assert not PendingEvent.objects.exists()


def test_an_identify_makes_the_visitor_part_of_the_user(project: Project, caller: Caller) -> None:
    visitor, user = lead(caller, anonymousId="x"), lead(caller, userId="1")
    caller.track("demo_request", anonymousId="x")

    assert identify(caller, userId="1", anonymousId="x") == user
    drain_all()

    assert shown(caller, user)["currentScore"] == 5 + 5 + 50
    assert shown(caller, visitor) == shown(caller, user)
    assert_all_agrees(project)


def test_events_of_the_merged_visitor_count_for_the_user(project: Project, caller: Caller) -> None:
    lead(caller, anonymousId="x")
    user = lead(caller, userId="1")
    identify(caller, userId="1", anonymousId="x")

    assert lead(caller, anonymousId="x") == user
    drain_all()

    assert shown(caller, user)["currentScore"] == 15
    assert_all_agrees(project)


def test_what_is_pending_when_leads_merge_is_counted_once(project: Project, caller: Caller) -> None:
    lead(caller, anonymousId="x")
    user = lead(caller, userId="1")
    drain_all()
    lead(caller, anonymousId="x")
    lead(caller, userId="1")

    identify(caller, userId="1", anonymousId="x")
    lead(caller, anonymousId="x")
    drain_all()

    assert shown(caller, user)["currentScore"] == 25
    assert_all_agrees(project)


def test_a_batch_may_create_people_and_make_them_one(project: Project, caller: Caller) -> None:
    known = {"email": "ada@example.org", "name": "A"}
    events = [
        {"eventType": "page_view", "anonymousId": "x"},
        {"eventType": "page_view", "userId": "1"},
        {"eventType": "page_view", "email": "ada@example.org"},
        {
            "eventType": "identify",
            "anonymousId": "x",
            "userId": "1",
            "traits": known,
        },
        {"eventType": "page_view", "anonymousId": "x"},
    ]

    assert caller.post("/api/events/batch", {"events": events}).json()["accepted"] == 5
    drain_all()

    (only,) = caller.get("/api/leads").json()["results"]
    assert (only["currentScore"], only["name"], only["email"]) == (20, "A", "ada@example.org")
    assert Merge.objects.count() == 2
    assert_all_agrees(project)


@pytest.mark.parametrize(
    "route",
    [
        "",
        "/history",
        "/timeline",
        "/intelligence",
        "/explain?asOf=2026-01-01T00:00:00Z",
        "/history?asOf=2026-01-01T00:00:00Z",
    ],
)
def test_a_merged_id_answers_as_the_survivor_on_every_route(caller: Caller, route: str) -> None:
    visitor, user = lead(caller, anonymousId="x"), lead(caller, userId="1")
    identify(caller, userId="1", anonymousId="x")
    drain_all()

    one, other = (caller.get(f"/api/leads/{lead_id}{route}") for lead_id in (visitor, user))

    assert one.status_code == other.status_code == 200
    assert one.json() == other.json()


def test_a_merged_id_takes_events_changes_and_adjustments(project: Project, caller: Caller) -> None:
    visitor, user = lead(caller, anonymousId="x"), lead(caller, userId="1")
    identify(caller, userId="1", anonymousId="x")

    assert caller.track("signup", leadId=visitor).json()["leadId"] == user
    assert caller.patch(f"/api/leads/{visitor}", {"name": "Ada"}).json()["id"] == user
    assert caller.post(f"/api/leads/{visitor}/adjustments", {"points": 3, "reason": "met"}).json()["leadId"] == user
    assert caller.get(f"/api/events?lead={visitor}").json() == caller.get(f"/api/events?lead={user}").json()
    drain_all()

    assert (shown(caller, user)["currentScore"], shown(caller, user)["name"]) == (33, "Ada")
    assert_all_agrees(project)


def test_a_duplicate_of_a_merged_leads_event_names_the_survivor(caller: Caller) -> None:
    caller.track(eventId="e", anonymousId="x")
    user = lead(caller, userId="1")
    identify(caller, userId="1", anonymousId="x")

    assert caller.track(eventId="e", anonymousId="x").json() == {"status": "duplicate", "eventId": "e", "leadId": user}


def test_merging_by_hand_and_separating_again_restores_both(project: Project, caller: Caller) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    caller.patch(f"/api/leads/{ada}", {"name": "Ada", "company": "Engines"})
    caller.patch(f"/api/leads/{bob}", {"name": "Bob", "email": "bob@example.org"})
    caller.track("demo_request", userId="2")
    drain_all()
    before = [(shown(caller, each), caller.get(f"/api/leads/{each}/history").json()) for each in (ada, bob)]

    merged = caller.post(f"/api/leads/{bob}/merge", {"otherId": ada})
    drain_all()
    assert (merged.status_code, merged.json()["id"]) == (200, ada)
    assert (shown(caller, bob)["currentScore"], shown(caller, bob)["company"]) == (60, "Engines")
    assert_all_agrees(project)

    separated = caller.post(f"/api/leads/{ada}/unmerge", {"otherId": bob})
    drain_all()
    assert (separated.status_code, separated.json()["id"]) == (200, ada)
    assert [(shown(caller, each), caller.get(f"/api/leads/{each}/history").json()) for each in (ada, bob)] == before
    assert_all_agrees(project)


def test_what_came_after_a_merge_goes_to_whose_name_it_carried(project: Project, caller: Caller) -> None:
    visitor, user = lead(caller, anonymousId="x"), lead(caller, userId="1")
    identify(caller, userId="1", anonymousId="x", traits={"name": "Ada"})
    caller.track("signup", anonymousId="x")
    caller.track("download", userId="1")

    caller.post(f"/api/leads/{user}/unmerge", {"otherId": visitor})
    drain_all()

    assert (shown(caller, visitor)["currentScore"], shown(caller, visitor)["name"]) == (25, None)
    assert (shown(caller, user)["currentScore"], shown(caller, user)["name"]) == (15, "Ada")
    assert_all_agrees(project)


def test_what_was_merged_before_goes_with_the_one_it_was_merged_into(project: Project, caller: Caller) -> None:
    one, two, three = (UUID(lead(caller, userId=str(number))) for number in (1, 2, 3))
    for into, absorbed in ((two, three), (one, two)):
        merge_leads(project.pk, into, absorbed, by="Eve", now=timezone.now())

    assert separate_leads(project.pk, one, two, by="Eve", now=timezone.now()) == Separated(separated=two, survivor=one)
    drain_all()

    homes = dict(Lead.objects.values_list("pk", "merged_into"))
    assert homes == {one: None, two: None, three: two}
    assert shown(caller, str(three))["currentScore"] == 10
    assert_all_agrees(project)


def test_an_identify_does_not_join_again_what_was_taken_apart(project: Project, caller: Caller) -> None:
    visitor, user = lead(caller, anonymousId="x"), lead(caller, userId="1")
    identify(caller, userId="1", anonymousId="x")
    caller.post(f"/api/leads/{user}/unmerge", {"otherId": visitor})

    identify(caller, userId="1", anonymousId="x")

    assert shown(caller, visitor)["id"] == visitor
    assert RefusedName.objects.get().reason == Reason.SEPARATED
    caller.post(f"/api/leads/{user}/merge", {"otherId": visitor})
    assert shown(caller, visitor)["id"] == user


@pytest.mark.parametrize("value", ["undefined", "null", "0", "anonymous"])
def test_a_value_that_means_nobody_joins_nobody(caller: Caller, value: str) -> None:
    visitors = {identify(caller, userId=value, anonymousId=name) for name in ("x", "y", "z")}

    assert len(visitors) == 3
    assert {refused.reason for refused in RefusedName.objects.all()} == {Reason.BLOCKED}
    assert not Merge.objects.exists()


def test_a_project_decides_which_values_mean_nobody(project: Project, caller: Caller) -> None:
    Project.objects.filter(pk=project.pk).update(blocked_names="kiosk-*")

    visitors = {identify(caller, userId="kiosk-7", anonymousId=name) for name in ("x", "y")}

    assert len(visitors) == 2
    assert identify(caller, userId="undefined", anonymousId="z") == identify(caller, userId="undefined")


def test_two_people_at_one_browser_stay_two(project: Project, caller: Caller) -> None:
    ada = identify(caller, userId="ada", anonymousId="x")
    bob = identify(caller, userId="bob", anonymousId="x")
    drain_all()

    assert ada != bob
    refused = RefusedName.objects.get()
    assert (str(refused.lead_id), refused.value, str(refused.other_id)) == (bob, "x", ada)
    assert refused.reason == Reason.OTHER_USER
    assert lead(caller, anonymousId="x") == ada


def test_a_refusal_is_noted_once_however_often_it_happens(caller: Caller) -> None:
    for _ in range(5):
        identify(caller, userId="undefined", anonymousId="x")

    assert RefusedName.objects.count() == 1


def test_a_lead_with_too_many_names_takes_no_more(project: Project, caller: Caller) -> None:
    Project.objects.filter(pk=project.pk).update(max_names_per_lead=3)

    for number in range(5):
        assert identify(caller, userId="1", anonymousId=f"x{number}") == identify(caller, userId="1")

    assert RefusedName.objects.filter(reason=Reason.LIMIT).count() == 3
    assert lead(caller, anonymousId="x4") != identify(caller, userId="1")


def test_a_merge_by_hand_keeps_to_the_limit_of_names(project: Project, caller: Caller) -> None:
    one, other = (UUID(lead(caller, userId=str(number))) for number in (1, 2))
    Project.objects.filter(pk=project.pk).update(max_names_per_lead=1)

    outcome = merge_leads(project.pk, one, other, by="Eve", now=timezone.now())

    assert isinstance(outcome, MergeRefused)
    assert outcome.code == "limit"


@pytest.mark.parametrize("route", ["merge", "unmerge"])
def test_a_lead_can_neither_be_merged_with_itself_nor_separated_from_it(caller: Caller, route: str) -> None:
    one = lead(caller, userId="1")

    answer = caller.post(f"/api/leads/{one}/{route}", {"otherId": one})

    assert (answer.status_code, answer.json()["code"]) == (409, {"merge": "same_lead", "unmerge": "not_merged"}[route])


@pytest.mark.parametrize("route", ["merge", "unmerge"])
@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "/otherId"),
        ({"otherId": 7}, 400, "/otherId"),
        ({"otherId": "nobody"}, 404, "/otherId"),
        ({"otherId": "00000000-0000-0000-0000-000000000000"}, 404, "/otherId"),
        (b"{", 400, ""),
    ],
)
def test_a_bad_request_is_refused_with_a_pointer(
    caller: Caller, route: str, body: object, status: int, pointer: str
) -> None:
    answer = caller.post(f"/api/leads/{lead(caller, userId='1')}/{route}", body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)


@pytest.mark.parametrize("route", ["merge", "unmerge"])
def test_a_lead_of_another_project_is_no_lead(caller: Caller, route: str) -> None:
    own, theirs = lead(caller, userId="1"), lead(caller_of(make_project("Other")), userId="1")

    assert caller.post(f"/api/leads/{own}/{route}", {"otherId": theirs}).status_code == 404
    assert caller.post(f"/api/leads/{theirs}/{route}", {"otherId": own}).status_code == 404
    assert Lead.objects.filter(merged_into=None).count() == 2


def test_the_timeline_tells_of_merges(caller: Caller) -> None:
    ApiKey.objects.update(name="CRM")
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    caller.post(f"/api/leads/{ada}/unmerge", {"otherId": bob})

    lines = caller.get(f"/api/leads/{ada}/timeline").json()["results"]

    assert [line["kind"] for line in lines] == ["unmerge", "merge", "event"]
    assert lines[1]["properties"] == {"leadId": bob, "into": ada, "cause": "hand", "by": "CRM"}


def test_a_merge_scores_nothing_and_is_no_activity(caller: Caller) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    before = shown(caller, ada)["lastEventAt"]
    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    drain_all()

    assert shown(caller, ada)["eventsLast24h"] == 2
    assert {entry["eventType"] for entry in caller.get(f"/api/leads/{ada}/history").json()["results"]} == {"page_view"}
    assert before is None or shown(caller, ada)["lastEventAt"] >= before


def test_the_survivor_takes_an_owner_it_does_not_have_and_gives_it_back(project: Project, caller: Caller) -> None:
    ada, bob = (UUID(lead(caller, userId=str(number))) for number in (1, 2))
    owner = User.objects.create_user("eve")
    Lead.objects.filter(pk=bob).update(owner=owner)

    merge_leads(project.pk, ada, bob, by="Eve", now=timezone.now())
    assert Lead.objects.get(pk=ada).owner == owner

    separate_leads(project.pk, ada, bob, by="Eve", now=timezone.now())
    assert Lead.objects.get(pk=ada).owner is None
    assert Lead.objects.get(pk=bob).owner == owner


def test_what_was_known_before_the_merge_can_still_be_seen(project: Project, caller: Caller) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    drain_all()
    moment = timezone.now()
    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    drain_all()

    def score(query: str) -> int:
        return int(caller.get(f"/api/leads/{ada}{query}").json()["currentScore"])

    known_then = moment.isoformat().replace("+00:00", "Z")
    assert (score(""), score(f"?knownAt={known_then}")) == (10, 5)


def test_an_external_id_names_a_lead(caller: Caller) -> None:
    one = caller.track("identify", anonymousId="x", externalIds={"hubspot": "7"}).json()["leadId"]

    assert caller.track("page_view", externalIds={"hubspot": "7"}).json()["leadId"] == one


def test_the_merge_itself_is_in_the_log(project: Project, caller: Caller) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})

    (line,) = Event.objects.filter(project=project, kind=Event.Kind.MERGE)
    assert (line.event_type, str(line.lead_id)) == ("lead_merged", ada)


def test_leads_that_are_merged_stand_in_no_list(caller: Caller) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    drain_all()
    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})

    for route in ("/api/leads", "/api/leaderboard"):
        assert [row.get("id") or row["leadId"] for row in caller.get(route).json()["results"]] == [ada]


@pytest.mark.parametrize("late", [False, True])
def test_a_stage_that_one_of_them_had_reached_fires_nothing_again(
    caller: Caller, outcomes: Callable[[], list[tuple[str, str]]], late: bool
) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    caller.track("demo_request", userId="2")
    drain_all()
    outcomes()

    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    if late:
        long_ago = (timezone.now() - timedelta(days=9)).isoformat()
        caller.track("page_view", userId="1", timestamp=long_ago)
    drain_all()

    assert outcomes() == []


def test_a_stage_that_only_both_together_reach_fires(
    caller: Caller, outcomes: Callable[[], list[tuple[str, str]]]
) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    for number in ("1", "2"):
        caller.track("form_submit", userId=number)
    drain_all()
    assert set(outcomes()) == {("cold", "warm")}

    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    drain_all()

    assert outcomes() == [("warm", "hot")]


def test_it_fires_also_when_time_would_change_the_survivor_before_its_queue_gets_to_it(
    caller: Caller, outcomes: Callable[[], list[tuple[str, str]]]
) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    for number in ("1", "2"):
        caller.track("form_submit", userId=number)
    drain_all()
    outcomes()

    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    LeadState.objects.update(next_change_at=timezone.now())
    assert fade(range(SLOTS), now=timezone.now()) == 0
    drain_all()

    assert outcomes() == [("warm", "hot")]


@pytest.mark.parametrize("act", [merge_leads, separate_leads])
def test_a_lead_that_was_erased_at_the_same_moment_is_a_refusal(
    project: Project, caller: Caller, act: Callable[..., object]
) -> None:
    ada = UUID(lead(caller, userId="1"))

    for one, other in ((ada, UUID(int=0)), (UUID(int=0), ada)):
        outcome = act(project.pk, one, other, by="Eve", now=timezone.now())
        assert isinstance(outcome, MergeRefused)
        assert outcome.code == "lead_erased"


def test_separating_leads_fires_nothing(caller: Caller, outcomes: Callable[[], list[tuple[str, str]]]) -> None:
    ada, bob = lead(caller, userId="1"), lead(caller, userId="2")
    caller.track("demo_request", userId="2")
    caller.post(f"/api/leads/{ada}/merge", {"otherId": bob})
    drain_all()
    outcomes()

    caller.post(f"/api/leads/{ada}/unmerge", {"otherId": bob})
    drain_all()
    assert outcomes() == []

    caller.track("demo_request", userId="1")
    drain_all()
    assert outcomes() == [("cold", "hot")]
