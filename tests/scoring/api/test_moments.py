"""`?asOf=` and `?knownAt=` on one lead, its history and its explanation."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from ingest.models import Lead, Project
from scoring.models import LeadScore
from scoring.services.rescore import rescore_leads
from tests.scoring.api.build import Api
from tests.scoring.build import DAY, DEMO_EXPIRES, T0, make_project, publish, rule, scorecard, track

pytestmark = pytest.mark.django_db
NOW = T0 + 20 * DAY


@pytest.fixture
def project(db: None) -> Project:
    return make_project(DEMO_EXPIRES)


@pytest.fixture
def lead(project: Project) -> Lead:
    track(project, "demo_request", T0)
    track(project, "page_view", T0 + 5 * DAY, now=T0 + 10 * DAY)
    return track(project, "page_view", T0 + 7 * DAY)


def ask(project: Project, path: str, *, at: datetime = NOW, **query: str) -> tuple[int, Any]:
    api = Api(project)
    with time_machine.travel(at, tick=False):
        return api.get(path, **query)


def cursor_in(link: object) -> str:
    return parse_qs(urlsplit(str(link)).query)["cursor"][0]


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_as_of_is_what_had_happened_by_then(project: Project, lead: Lead) -> None:
    _, found = ask(project, f"leads/{lead.pk}", asOf=text(T0 + 6 * DAY))

    assert (found["currentScore"], found["leadStage"], found["lastEventAt"]) == (55, "hot", text(T0 + 5 * DAY))


def test_known_at_leaves_out_what_came_later(project: Project, lead: Lead) -> None:
    _, found = ask(project, f"leads/{lead.pk}", knownAt=text(T0 + 8 * DAY))
    _, then = ask(project, f"leads/{lead.pk}", knownAt=text(T0 + 8 * DAY), asOf=text(T0 + 6 * DAY))

    assert (found["currentScore"], then["currentScore"]) == (55, 50)


def test_known_at_uses_the_rules_published_by_then(project: Project, lead: Lead) -> None:
    publish(project, scorecard(rule("demo_request", 7)), at=T0 + 12 * DAY)
    rescore_leads(project.pk, [lead.pk], now=T0 + 12 * DAY)

    _, before = ask(project, f"leads/{lead.pk}", knownAt=text(T0 + 11 * DAY))
    _, after = ask(project, f"leads/{lead.pk}", knownAt=text(T0 + 13 * DAY))

    assert (before["currentScore"], after["currentScore"]) == (60, 7)


def test_ahead_is_what_it_will_be_if_nothing_happens(project: Project, lead: Lead) -> None:
    _, found = ask(project, f"leads/{lead.pk}", asOf=text(T0 + 31 * DAY))
    _, told = ask(project, f"leads/{lead.pk}/explain", asOf=text(T0 + 31 * DAY))

    assert (found["currentScore"], found["leadStage"]) == (10, "cold")
    assert told["score"] == sum(part["points"] for part in told["contributions"]) == 10


def test_before_its_first_event_a_lead_stands_at_the_start(project: Project, lead: Lead) -> None:
    _, found = ask(project, f"leads/{lead.pk}", asOf="1999-01-01T00:00:00Z")

    assert (found["currentScore"], found["leadStage"], found["lastEventAt"]) == (0, "cold", None)


def test_the_history_as_of_a_moment_ends_there_and_pages_like_any_other(project: Project, lead: Lead) -> None:
    moment = text(T0 + 31 * DAY)
    _, whole = ask(project, f"leads/{lead.pk}/history", asOf=moment)
    _, first = ask(project, f"leads/{lead.pk}/history", asOf=moment, limit="3")
    cursor = cursor_in(first["next"])
    _, second = ask(project, f"leads/{lead.pk}/history", asOf=moment, limit="3", cursor=cursor)
    cursor_back = cursor_in(second["previous"])
    _, back = ask(project, f"leads/{lead.pk}/history", asOf=moment, limit="3", cursor=cursor_back)

    assert [line["newScore"] for line in whole["results"]] == [50, 55, 60, 10]
    assert first["results"] + second["results"] == whole["results"]
    assert (back["results"], second["next"], first["previous"]) == (first["results"], None, None)


def test_an_explanation_as_of_a_moment_sums_to_the_score_then(project: Project, lead: Lead) -> None:
    _, told = ask(project, f"leads/{lead.pk}/explain", asOf=text(T0 + 6 * DAY))

    assert told["asOf"] == text(T0 + 6 * DAY)
    assert told["score"] == sum(part["points"] for part in told["contributions"]) == 55
    assert "falls to cold on 1 April if nothing happens" in told["next"]


@pytest.mark.parametrize("path", ["", "/history", "/explain"])
@pytest.mark.parametrize("name", ["asOf", "knownAt"])
@pytest.mark.parametrize("value", ["", "yesterday", "2026-13-01T00:00:00Z", "1e9", "0001-01-01T00:00:00Z", "\x00"])
def test_what_is_no_time_is_refused(project: Project, lead: Lead, path: str, name: str, value: str) -> None:
    status, answer = ask(project, f"leads/{lead.pk}{path}", **{name: value})  # type: ignore[arg-type]

    assert (status, answer["code"]) == (400, "invalid")


def test_the_ends_of_the_calendar_are_times(project: Project, lead: Lead) -> None:
    assert ask(project, f"leads/{lead.pk}/explain", asOf="9999-12-31T23:59:59.999999Z")[0] == 200
    assert ask(project, f"leads/{lead.pk}/explain", asOf="1970-01-01T00:00:00Z")[0] == 200
    assert ask(project, f"leads/{lead.pk}", asOf="2026-03-08T12:00:00+00:00")[0] == 200


def test_known_at_cannot_lie_ahead(project: Project, lead: Lead) -> None:
    assert ask(project, f"leads/{lead.pk}", knownAt=text(NOW + DAY))[0] == 400
    assert ask(project, f"leads/{lead.pk}", knownAt=text(NOW))[0] == 200


def test_one_lead_is_shown_as_it_is_this_second_though_no_worker_has_been_there(project: Project, lead: Lead) -> None:
    _, found = ask(project, f"leads/{lead.pk}", at=T0 + 30 * DAY)

    assert (found["currentScore"], found["leadStage"]) == (10, "cold")
    assert LeadScore.objects.get(lead=lead).stage == "hot"
    assert ask(project, f"leads/{lead.pk}", at=T0 + 30 * DAY - timedelta(seconds=1))[1]["currentScore"] == 60
