"""`POST /api/events/exclude` and `/api/events/include`: events that do not count, by hand, and the way back."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.core.keys import KeyKind
from ingest.models import Event, Lead, PendingEvent, Project, Ruling, Verdict
from ingest.services import rulings
from scoring.models import ScoreEntry
from scoring.services.verification import verify_leads
from tests.builders import Caller, caller_of, drain_all, make_project, problem_of
from tests.scoring.builders import Listener, projections

pytestmark = pytest.mark.django_db
LEDGER = ("lead", "sequence", "client_event_id", "occurred_at", "delta", "old_score", "new_score", "new_stage", "rules")


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    """Return somebody whose project has two leads with three events each, all scored."""
    caller = caller_of(project, name="CRM")
    for user in ("ada", "bob"):
        for number, event_type in enumerate(("signup", "download", "page_view")):
            caller.track(
                event_type,
                userId=user,
                eventId=f"{user}-{event_type}",
                timestamp=f"2026-03-0{number + 1}T10:00:00Z",
                context={"userAgent": f"Agent of {user}"},
            )
    drain_all()
    return caller


def exclude(caller: Caller, *, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = caller.post("/api/events/exclude", body)
    assert answer.status_code == status, answer.content
    ruling: dict[str, Any] = answer.json()
    return ruling


def include(caller: Caller, **body: Any) -> dict[str, Any]:
    answer = caller.post("/api/events/include", body)
    assert answer.status_code == 200, answer.content
    ruling: dict[str, Any] = answer.json()
    return ruling


def scores(caller: Caller) -> dict[str, Any]:
    leads = caller.get("/api/leads").json()["results"]
    return {lead_name(lead["id"]): lead["currentScore"] for lead in leads}


def lead_name(lead_id: str) -> str:
    event_id = Event.objects.filter(lead=UUID(lead_id)).values_list("event_id", flat=True)[0]
    return event_id.partition("-")[0]


def lead_id(name: str) -> str:
    return str(Event.objects.get(event_id=f"{name}-signup").lead_id)


def ledger() -> list[tuple[Any, ...]]:
    return list(ScoreEntry.objects.order_by("lead", "scorecard", "sequence").values_list(*LEDGER))


def test_an_excluded_event_stays_in_the_log_and_scores_nothing(project: Project, caller: Caller) -> None:
    ruling = exclude(caller, eventIds=["ada-signup"], reason="Our own test")

    assert (ruling["events"], ruling["leads"], ruling["status"], ruling["by"]) == (1, 1, "done", "CRM")
    assert scores(caller) == {"ada": 15, "bob": 35}
    shown = caller.get(f"/api/events?lead={lead_id('ada')}").json()["results"][-1]
    assert (shown["eventId"], shown["excluded"]["reason"], shown["excluded"]["detail"], shown["excluded"]["by"]) == (
        "ada-signup", "by_hand", "Our own test", "CRM",
    )  # fmt: skip
    assert verify_leads(project.pk, [lead.pk for lead in Lead.objects.all()]) == []


def test_included_again_it_gives_the_old_ledger_entry_by_entry(caller: Caller) -> None:
    before, projected = ledger(), projections()
    exclude(caller, range={"eventType": "signup"})
    assert ledger() != before

    include(caller, range={"from": "2026-03-01T00:00:00Z"})

    assert ledger() == before
    assert projections()["scores"] == projected["scores"]
    assert projections()["states"] == projected["states"]


@pytest.mark.parametrize(
    ("within", "left"),
    [
        ({"eventType": "download"}, {"ada": 25, "bob": 25}),
        ({"from": "2026-03-02T10:00:00Z"}, {"ada": 20, "bob": 20}),
        ({"to": "2026-03-02T10:00:00Z"}, {"ada": 15, "bob": 15}),
        ({"userAgent": "agent OF bob"}, {"ada": 35, "bob": 0}),
        ({"userAgent": "of ada", "eventType": "signup"}, {"ada": 15, "bob": 35}),
        ({"userAgent": "100%"}, {"ada": 35, "bob": 35}),
    ],
)
def test_a_range_is_all_that_has_everything_in_common(
    caller: Caller, within: dict[str, str], left: dict[str, int]
) -> None:
    exclude(caller, range=within)

    assert scores(caller) == left


def test_a_range_can_be_that_of_one_lead(caller: Caller) -> None:
    exclude(caller, range={"leadId": lead_id("bob"), "to": "2026-03-02T10:00:00Z"})

    assert scores(caller) == {"ada": 35, "bob": 15}


def test_a_dry_run_counts_and_changes_nothing(caller: Caller) -> None:
    before = ledger()

    ruling = exclude(caller, range={"eventType": "signup"}, dryRun=True)

    assert (ruling["events"], ruling["leads"], ruling["dryRun"], ruling["status"]) == (2, 2, True, "done")
    assert ledger() == before
    assert not Verdict.objects.exists()


def test_what_is_excluded_already_is_not_counted_again(caller: Caller) -> None:
    exclude(caller, eventIds=["ada-signup"])

    assert exclude(caller, range={"eventType": "signup"}, dryRun=True)["events"] == 1
    assert include(caller, range={"eventType": "signup"}, dryRun=True)["events"] == 1


def test_it_says_nothing_of_events_that_come_later(caller: Caller) -> None:
    exclude(caller, range={"eventType": "signup"})
    caller.track("signup", userId="ada", eventId="ada-again", timestamp="2026-03-01T11:00:00Z")
    drain_all()

    assert scores(caller)["ada"] == 35


def test_a_pending_event_that_is_excluded_is_never_scored(caller: Caller) -> None:
    caller.track("demo_request", userId="ada", eventId="ada-demo")
    exclude(caller, eventIds=["ada-demo"])

    assert not PendingEvent.objects.exists()
    drain_all()
    assert scores(caller)["ada"] == 35


def test_nothing_fires(caller: Caller) -> None:
    with Listener() as heard:
        exclude(caller, range={"eventType": "signup"})
        include(caller, range={"eventType": "signup"})
        drain_all()

    assert heard.outcomes == []


def test_the_word_of_a_person_beats_that_of_the_machine(caller: Caller) -> None:
    caller.track(userId="ada", eventId="ada-bot", context={"userAgent": "Googlebot/2.1"})
    drain_all()
    assert scores(caller)["ada"] == 35

    include(caller, eventIds=["ada-bot"], reason="It was me")

    assert scores(caller)["ada"] == 55
    assert caller.get("/api/events?excluded=true").json()["results"] == []


def test_a_burst_that_a_person_let_count_goes_on_counting(caller: Caller) -> None:
    def click(link: str, second: int) -> None:
        at = f"2026-03-05T10:00:0{second}Z"
        caller.track("email_click", userId="ada", eventId=link, timestamp=at, properties={"url": link})
        drain_all()

    for second, link in enumerate(("/a", "/b", "/c")):
        click(link, second)
    include(caller, eventIds=["/a", "/b", "/c"])
    click("/d", 3)

    excluded = caller.get("/api/events?excluded=true").json()["results"]
    assert [event["eventId"] for event in excluded] == ["/d"]


def test_what_was_excluded_is_not_in_the_last_day_either(caller: Caller) -> None:
    caller.track("page_view", userId="ada", eventId="ada-now")
    drain_all()
    address = f"/api/leads/{lead_id('ada')}"
    assert caller.get(address).json()["eventsLast24h"] == 1

    exclude(caller, eventIds=["ada-now"])

    lead = caller.get(address).json()
    assert (lead["eventsLast24h"], lead["lastEventAt"]) == (0, "2026-03-03T10:00:00Z")


def test_what_was_known_before_an_event_was_excluded_stays_known(caller: Caller) -> None:
    known = Event.objects.latest("received_at").received_at.isoformat().replace("+00:00", "Z")
    exclude(caller, eventIds=["ada-signup"])
    address = f"/api/leads/{lead_id('ada')}/explain"

    assert caller.get(f"{address}?knownAt={known}").json()["score"] == 35
    assert caller.get(f"{address}?asOf=2026-03-04T00:00:00Z").json()["score"] == 15


def test_adjustments_and_what_is_entered_are_no_events_to_exclude(caller: Caller) -> None:
    caller.post(f"/api/leads/{lead_id('ada')}/adjustments", {"points": 5, "reason": "Met", "adjustmentId": "adj"})
    drain_all()

    assert exclude(caller, eventIds=["adj"])["events"] == 0
    assert scores(caller)["ada"] == 40


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"eventIds": ["a"], "range": {"eventType": "a"}}, ""),
        ({"eventIds": []}, "/eventIds"),
        ({"eventIds": [7]}, "/eventIds/0"),
        ({"range": {}}, "/range"),
        ({"range": {"from": "yesterday"}}, "/range/from"),
        ({"range": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}, "/range/to"),
        ({"range": {"eventTypes": ["a"]}}, "/range/eventTypes"),
        ({"range": {"eventType": "a"}, "dryRun": "yes"}, "/dryRun"),
        ({"range": {"eventType": "a"}, "reason": "x" * 501}, "/reason"),
    ],
)
def test_what_cannot_be_meant_is_refused(caller: Caller, body: dict[str, Any], pointer: str) -> None:
    answer = caller.post("/api/events/exclude", body)

    assert answer.status_code == 400
    assert [found["pointer"] for found in problem_of(answer)["errors"]] == [pointer]
    assert not Ruling.objects.exists()


@pytest.mark.parametrize("verb", ["exclude", "include"])
@pytest.mark.parametrize(
    "body",
    [
        {"eventIds": ["ada-\x00signup"]},
        {"range": {"eventType": "\x00signup", "userAgent": "of\x00 ada"}, "reason": "\x00"},
        {"range": {"eventType": "signup", "userAgent": "of ada"}, "reason": "cut in two: \ud83d"},
    ],
)
def test_characters_that_no_column_holds_cost_nobody_anything(caller: Caller, verb: str, body: dict[str, Any]) -> None:
    if verb == "include":
        exclude(caller, eventIds=["ada-signup"])

    answer = caller.post(f"/api/events/{verb}", body)

    assert answer.status_code == 200, answer.content
    assert answer.json()["events"] == 1


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"eventIds": ["\x00"]}, "/eventIds/0", "must have at least 1 character"),
        ({"range": {"eventType": "\x00"}}, "/range/eventType", "must have at least 1 character"),
        ({"range": {"leadId": "\x00"}}, "/range/leadId", "must have at least 1 character"),
        ({"range": {"userAgent": "x" * 301}}, "/range/userAgent", "must have at most 300 characters"),
        ({"eventIds": ["a"], "reason": "x" * 501}, "/reason", "must have at most 500 characters"),
    ],
)
def test_a_text_of_the_wrong_length_is_refused_in_characters(
    caller: Caller, body: dict[str, Any], pointer: str, words: str
) -> None:
    problem = problem_of(caller.post("/api/events/exclude", body))

    assert problem["errors"] == [{"pointer": pointer, "detail": words}]


def test_another_projects_events_leads_and_rulings_do_not_exist(project: Project, caller: Caller) -> None:
    stranger = caller_of(make_project("Theirs"))
    mine = exclude(caller, eventIds=["bob-signup"])

    assert exclude(stranger, eventIds=["ada-signup"])["events"] == 0
    assert exclude(stranger, range={"eventType": "signup"})["events"] == 0
    assert stranger.post("/api/events/exclude", {"range": {"leadId": lead_id("ada")}}).status_code == 404
    assert stranger.get(f"/api/rulings/{mine['id']}").status_code == 404
    assert stranger.get("/api/rulings/nonsense").status_code == 404
    assert len(stranger.get("/api/rulings").json()["results"]) == 2
    assert scores(caller)["ada"] == 35


def test_a_write_key_cannot_say_what_counts(project: Project) -> None:
    page = caller_of(project, KeyKind.WRITE)

    assert page.post("/api/events/exclude", {"eventIds": ["a"]}).status_code == 403
    assert page.get("/api/rulings").status_code == 403


def test_what_was_said_can_be_looked_up(caller: Caller) -> None:
    first = exclude(caller, eventIds=["ada-signup"], reason="Test")
    second = include(caller, range={"userAgent": "ada"})

    assert [ruling["id"] for ruling in caller.get("/api/rulings").json()["results"]] == [second["id"], first["id"]]
    assert caller.get(f"/api/rulings/{second['id']}").json() == second
    assert second["range"] == {"userAgent": "ada"}


def test_what_a_merged_lead_did_is_left_out_of_the_one_that_survives(project: Project) -> None:
    caller = caller_of(project)
    caller.track("signup", anonymousId="browser", eventId="before")
    caller.track("download", userId="ada", eventId="known")
    caller.track("identify", userId="ada", anonymousId="browser", eventId="both")
    drain_all()
    (lead,) = caller.get("/api/leads").json()["results"]
    assert lead["currentScore"] == 30

    ruling = exclude(caller, range={"leadId": lead["id"], "eventType": "signup"})

    (lead,) = caller.get("/api/leads").json()["results"]
    assert (ruling["events"], lead["currentScore"]) == (1, 10)
    assert verify_leads(project.pk, [UUID(lead["id"])]) == []
    include(caller, eventIds=["before"])
    assert caller.get(f"/api/leads/{lead['id']}").json()["currentScore"] == 30


# --- In portions -----------------------------------------------------------------------------------------------------


def in_background(caller: Caller, monkeypatch: pytest.MonkeyPatch, **body: Any) -> Ruling:
    """Begin something, one lead at a time, of which the request does the first lead only."""
    monkeypatch.setattr(rulings, "MAX_LEADS", 1)
    monkeypatch.setattr("ingest.api.rulings.SECONDS", -1.0)
    return Ruling.objects.get(pk=exclude(caller, status=202, **body)["id"])


def test_what_takes_long_is_done_in_the_background(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr("ingest.background.start", lambda *args: sent.append(args))
    ruling = in_background(caller, monkeypatch, range={"eventType": "signup"})
    assert (ruling.status, ruling.leads_done, ruling.leads_total, ruling.events) == ("running", 1, 2, 1)
    assert sent == [("ingest.tasks.rule", ruling.pk, ruling.cursor)]

    rulings.walk_on(ruling.pk, ruling.cursor, seconds=60)

    ruling.refresh_from_db()
    assert (ruling.status, ruling.leads_done, ruling.events) == ("done", 2, 2)
    assert scores(caller) == {"ada": 15, "bob": 15}


def test_a_doubled_task_does_nothing(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    ruling = in_background(caller, monkeypatch, range={"eventType": "signup"})

    rulings.walk_on(ruling.pk, None, seconds=60)

    ruling.refresh_from_db()
    assert (ruling.leads_done, ruling.status) == (1, "running")


def test_a_lost_task_is_sent_again(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    ruling = in_background(caller, monkeypatch, range={"eventType": "signup"})
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr("ingest.background.start", lambda *args: sent.append(args))

    assert rulings.go_on(now=ruling.moved_at) == 0
    assert rulings.go_on(now=ruling.moved_at + 2 * rulings.STALLED_AFTER) == 1
    assert sent == [("ingest.tasks.rule", ruling.pk, ruling.cursor)]


def test_what_keeps_failing_ends_with_the_reason(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    ruling = in_background(caller, monkeypatch, range={"eventType": "signup"})

    def fail(*_: object) -> None:
        raise ValueError("no way")

    monkeypatch.setattr(rulings, "_rule", fail)
    for _ in range(rulings.MAX_FAILURES):
        rulings.walk_on(ruling.pk, ruling.cursor, seconds=60)

    assert caller.get(f"/api/rulings/{ruling.pk}").json()["error"] == "ValueError: no way"
    assert scores(caller) in ({"ada": 15, "bob": 35}, {"ada": 35, "bob": 15})


def test_the_statements_of_a_step_do_not_depend_on_how_many_events_it_touches(caller: Caller) -> None:
    def statements(**body: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            exclude(caller, **body)
        return len(queries)

    for number in range(30):
        caller.track("webinar_attendance", userId=f"u{number}")
    caller.track("form_submit", userId="u1")
    drain_all()

    one = statements(range={"eventType": "form_submit"})
    assert statements(range={"eventType": "webinar_attendance"}) == one
