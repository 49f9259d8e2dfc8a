"""The pages about privacy: handing out a person's data, erasing them, and names of which nothing is stored."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from ingest.core.identity import Name
from ingest.models import Erasure, Event, Lead, Project, Suppression, User
from ingest.services.suppressions import suppress, suppression_of
from tests.dashboard.build import make_lead, score, track

GRACE = Name("email", "grace@navy.example")


@pytest.fixture
def lead(project: Project) -> Lead:
    lead = make_lead(project, email="grace@navy.example", name="Grace Hopper")
    track(lead, "signup", "page_view")
    score()
    return lead


def page(project: Project, path: str = "/privacy") -> str:
    return f"/p/{project.pk}{path}"


def test_a_member_downloads_everything_about_a_lead(browser_of_member: Client, project: Project, lead: Lead) -> None:
    shown = browser_of_member.get(page(project, f"/leads/{lead.pk}")).content.decode()
    answer = browser_of_member.get(page(project, f"/leads/{lead.pk}/export"))

    assert page(project, f"/leads/{lead.pk}/export") in shown
    assert answer.headers["Content-Disposition"].startswith("attachment")
    found = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert found["lead"]["name"] == "Grace Hopper"


def test_erasing_is_explained_and_does_nothing_before_it_is_confirmed(
    browser_of_member: Client, project: Project, lead: Lead
) -> None:
    asked = browser_of_member.get(page(project, f"/leads/{lead.pk}/erase")).content.decode()

    assert "cannot be undone" in asked
    assert "Grace Hopper" in asked
    assert Lead.objects.exists()


def test_a_member_erases_a_person(browser_of_member: Client, member: User, project: Project, lead: Lead) -> None:
    events = Event.objects.count()

    done = browser_of_member.post(page(project, f"/leads/{lead.pk}/erase"), follow=True).content.decode()

    assert "Erased for good" in done
    assert "Grace Hopper" not in done
    assert Event.objects.count() == events
    assert browser_of_member.get(page(project, f"/leads/{lead.pk}")).status_code == 404
    assert Erasure.objects.get().by == "dana"
    for shown in ("", "/integrations", "/privacy", "/leads"):
        assert b"Grace" not in browser_of_member.get(page(project, shown)).content


def test_erasing_needs_a_token_against_forged_requests(member: User, project: Project, lead: Lead) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(member)

    assert forged.post(page(project, f"/leads/{lead.pk}/erase")).status_code == 403
    assert forged.post(page(project), {"do": "lift", "kind": "email", "value": GRACE.value}).status_code == 403
    assert Lead.objects.exists()


def test_a_stranger_erases_nobody(browser_of_member: Client, project: Project, strangers_project: Project) -> None:
    lead = make_lead(strangers_project, name="Secret Person")

    for tenant in (project, strangers_project):
        assert browser_of_member.post(page(tenant, f"/leads/{lead.pk}/erase")).status_code == 404
    assert Lead.objects.exists()


def test_events_of_somebody_erased_stand_on_the_overview_without_a_name(
    browser_of_member: Client, project: Project, lead: Lead
) -> None:
    make_lead(project, name="Ada")
    browser_of_member.post(page(project, f"/leads/{lead.pk}/erase"))

    assert "Somebody who was erased" in browser_of_member.get(page(project, "")).content.decode()
    assert "Somebody who was erased" in browser_of_member.get(page(project, "/integrations")).content.decode()


def type_in(browser: Client, project: Project, do: str, kind: str, value: str, reason: str = "") -> tuple[int, str]:
    form = {"do": do, "kind": kind, "value": value, "reason": reason}
    answer = browser.post(page(project), form, follow=True)
    return answer.status_code, answer.content.decode()


def test_a_name_is_suppressed_by_hand_checked_and_lifted_by_typing_it(
    browser_of_member: Client, project: Project
) -> None:
    _, before = type_in(browser_of_member, project, "check", "email", "Grace@Navy.example")
    _, added = type_in(browser_of_member, project, "suppress", "email", "Grace@Navy.example", "Objected by letter")
    _, checked = type_in(browser_of_member, project, "check", "email", " grace@navy.example")
    assert suppression_of(project.pk, GRACE) is not None
    _, lifted = type_in(browser_of_member, project, "lift", "email", "grace@navy.example")
    _, again = type_in(browser_of_member, project, "lift", "email", "grace@navy.example")

    assert "Not suppressed." in before
    assert "Suppressed: nothing" in added
    assert "Objected by letter" in added
    assert "grace@navy.example" not in added.lower()
    assert "Suppressed since" in checked
    assert "Lifted" in lifted
    assert "nothing to lift" in again
    assert not Suppression.objects.exists()


def test_a_name_that_a_lead_answers_to_leads_to_the_lead(
    browser_of_member: Client, project: Project, lead: Lead
) -> None:
    status, answer = type_in(browser_of_member, project, "suppress", "email", "grace@navy.example")

    assert status == 409
    assert page(project, f"/leads/{lead.pk}") in answer
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("kind", "value"), [("email", "grace"), ("external_id", "42"), ("email", ""), ("x", "y")])
def test_what_is_no_name_is_refused_in_words(
    browser_of_member: Client, project: Project, kind: str, value: str
) -> None:
    status, _ = type_in(browser_of_member, project, "suppress", kind, value)

    assert status == 422
    assert not Suppression.objects.exists()


def test_suppressing_and_erasing_are_of_one_project(
    browser_of_member: Client, project: Project, strangers_project: Project
) -> None:
    suppress(strangers_project.pk, GRACE, reason="theirs", by="stranger", now=timezone.now())

    _, checked = type_in(browser_of_member, project, "check", "email", GRACE.value)
    type_in(browser_of_member, project, "lift", "email", GRACE.value)

    assert "Not suppressed." in checked
    assert "theirs" not in browser_of_member.get(page(project)).content.decode()
    assert suppression_of(strangers_project.pk, GRACE) is not None


def test_a_suppressed_person_cannot_be_entered_on_the_fire_page(browser_of_member: Client, project: Project) -> None:
    suppress(project.pk, GRACE, reason="", by="dana", now=timezone.now())

    form = {"who": "new", "email": GRACE.value, "event_type": "signup"}
    answer = browser_of_member.post(page(project, "/fire"), form)

    assert answer.status_code == 422
    assert "wants nothing stored" in answer.content.decode()
    assert not Lead.objects.exists()


def test_whom_a_retention_would_erase_is_counted_before(
    browser_of_member: Client, project: Project, lead: Lead
) -> None:
    counted = browser_of_member.get(page(project, "/privacy?days=30")).content.decode()
    wrong = browser_of_member.get(page(project, "/privacy?days=never"))

    assert "<strong>0</strong> people have been idle for longer" in counted
    assert wrong.status_code == 200
    assert Lead.objects.exists()


def test_a_long_list_of_suppressions_has_pages(browser_of_member: Client, project: Project) -> None:
    for number in range(35):
        suppress(project.pk, Name("user_id", str(number)), reason=f"r{number}.", by="dana", now=timezone.now())

    first = browser_of_member.get(page(project))
    second = browser_of_member.get(page(project) + str(first.context["next_url"]))

    assert "35 in all" in first.content.decode()
    assert "r0." in second.content.decode()
    assert browser_of_member.get(page(project, "/privacy?cursor=nonsense")).status_code == 302
