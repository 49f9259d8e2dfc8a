"""What does not count, on the pages: on a lead, on the overview, and by the range."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from ingest.core.events import IncomingEvent
from ingest.models import Event, Lead, Project, Ruling, User
from ingest.services import events
from scoring.models import LeadScore
from tests.dashboard.build import make_lead, score, track

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def lead(project: Project) -> Lead:
    return make_lead(project, name="Ada Lovelace")


@pytest.fixture
def editor(browser_of_member: Client, member: User) -> Client:
    member.user_permissions.add(Permission.objects.get(codename="change_lead"))
    return browser_of_member


def visit_of_a_bot(lead: Lead) -> Event:
    visit = IncomingEvent(event_type="page_view", lead_id=str(lead.pk), context={"userAgent": GOOGLE})
    events.record(lead.project_id, [visit], now=timezone.now())
    score()
    return Event.objects.latest("id")


def say(editor: Client, lead: Lead, event: Event, verb: str) -> Any:
    address = f"/p/{lead.project_id}/leads/{lead.pk}/events/{event.pk}/counts"
    return editor.post(address, {"verb": verb}, follow=True)


def points(lead: Lead) -> int:
    return int(LeadScore.objects.get(lead=lead).score)


def preview(editor: Client, project: Project, **fields: str) -> Any:
    return editor.post(f"/p/{project.pk}/exclusions", {"verb": "exclude", **fields}, follow=True)


def test_a_lead_page_says_what_does_not_count_and_why(browser_of_member: Client, lead: Lead) -> None:
    visit_of_a_bot(lead)

    page = browser_of_member.get(f"/p/{lead.project_id}/leads/{lead.pk}").content.decode()

    assert "Does not count" in page
    assert "A bot (Googlebot)" in page
    assert "Count it after all" not in page  # a member who may change nothing


def test_an_event_counts_after_all_when_somebody_says_so(editor: Client, lead: Lead) -> None:
    event = visit_of_a_bot(lead)
    assert b"Count it after all" in editor.get(f"/p/{lead.project_id}/leads/{lead.pk}").content

    page = say(editor, lead, event, "include").content.decode()

    assert "The page_view counts" in page
    assert "Does not count" not in page
    assert points(lead) == 5


def test_a_line_of_the_history_can_be_left_out(editor: Client, member: User, lead: Lead) -> None:
    track(lead, "signup")
    score()
    assert b"Leave out" in editor.get(f"/p/{lead.project_id}/leads/{lead.pk}").content

    page = say(editor, lead, Event.objects.get(event_type="signup"), "exclude").content.decode()

    assert f"Left out by {member}" in page
    assert points(lead) == 0


def test_who_may_not_change_leads_may_not_say_what_counts(browser_of_member: Client, lead: Lead) -> None:
    event = visit_of_a_bot(lead)

    assert say(browser_of_member, lead, event, "include").status_code == 403
    assert preview(browser_of_member, lead.project, event_type="page_view").status_code == 403
    assert b"Which events?" not in browser_of_member.get(f"/p/{lead.project_id}/exclusions").content
    assert not Ruling.objects.exists()


def test_an_event_or_ruling_of_another_project_does_not_exist(
    editor: Client, lead: Lead, strangers_project: Project
) -> None:
    theirs = make_lead(strangers_project, name="Secret Person")
    track(theirs, "signup")
    event = Event.objects.get(project=strangers_project, event_type="signup")
    preview(editor, lead.project, event_type="x")
    ruling = Ruling.objects.get()
    Ruling.objects.update(project=strangers_project)

    assert say(editor, lead, event, "exclude").status_code == 404
    assert editor.post(f"/p/{lead.project_id}/exclusions/{ruling.pk}/apply").status_code == 404
    assert preview(editor, lead.project, lead_id=str(theirs.pk)).status_code == 404


def test_the_overview_counts_and_marks_what_does_not_count(browser_of_member: Client, lead: Lead) -> None:
    track(lead, "signup")
    visit_of_a_bot(lead)

    page = browser_of_member.get(f"/p/{lead.project_id}").content.decode()

    assert '<span class="number">1</span> does not count' in page
    assert page.count('<span class="tag">does not count</span>') == 1


def test_a_range_is_looked_at_before_it_is_left_out(editor: Client, project: Project, lead: Lead) -> None:
    other = make_lead(project, name="Bob")
    for each in (lead, other):
        track(each, "signup", "download")
    score()

    page = preview(editor, project, event_type="signup", reason="Load test").content.decode()
    assert '<strong class="number">2</strong> events of <strong class="number">2</strong> leads would' in page
    assert points(lead) == 30

    counted = Ruling.objects.get()
    page = editor.post(f"/p/{project.pk}/exclusions/{counted.pk}/apply", follow=True).content.decode()
    assert "left out. Their scores have followed." in page
    assert "Load test" in page
    assert (points(lead), points(other)) == (10, 10)


def test_what_was_left_out_is_let_in_again_the_same_way(editor: Client, project: Project, lead: Lead) -> None:
    visit_of_a_bot(lead)
    preview(editor, project, verb="include", user_agent="googlebot")

    editor.post(f"/p/{project.pk}/exclusions/{Ruling.objects.get().pk}/apply")

    assert points(lead) == 5


def test_a_range_can_be_one_leads_and_in_the_projects_time(editor: Client, project: Project, lead: Lead) -> None:
    Project.objects.update(time_zone="Asia/Tokyo")
    track(lead, "signup", at=datetime.fromisoformat("2026-03-01T00:30:00+09:00"))
    score()

    page = preview(editor, project, lead_id=str(lead.pk), begin="2026-03-01T00:00", end="2026-03-01T00:31")

    assert '<strong class="number">1</strong> event of' in page.content.decode()
    assert 'value="2026-03-01T00:00:00"' in page.content.decode()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Say which events you mean."),
        ({"begin": "2026-03-02T00:00", "end": "2026-03-01T00:00"}, "The end must be later than the beginning."),
        ({"begin": "soon"}, "Enter a valid date/time."),
    ],
)
def test_what_cannot_be_meant_is_said_on_the_form(
    editor: Client, project: Project, fields: dict[str, str], told: str
) -> None:
    answer = preview(editor, project, **fields)

    assert answer.status_code == 422
    assert told in answer.content.decode()


def test_a_ruling_that_runs_shows_how_far_it_is(editor: Client, project: Project, lead: Lead) -> None:
    preview(editor, project, event_type="signup")
    Ruling.objects.update(trial=False, status="running", finished_at=None, leads_done=3, leads_total=12)

    ruling = Ruling.objects.get()
    page = editor.get(f"/p/{project.pk}/exclusions?{urlencode({'ruling': ruling.pk})}").content.decode()

    assert "3 of 12 leads looked at" in page
    assert 'data-poll="1000"' in page
    assert ruling.created_at > timezone.now() - timedelta(minutes=1)


def test_a_place_that_never_was_is_no_mistake(editor: Client, project: Project) -> None:
    for nonsense in ("x", "00000000-0000-0000-0000-000000000000"):
        assert editor.get(f"/p/{project.pk}/exclusions?ruling={nonsense}&lead={nonsense}").status_code == 200
