"""Privacy in the admin: people are erased after a question, names are suppressed by typing them, nothing shows them."""

import pytest
from django.test import Client

from ingest.core.identity import Name
from ingest.models import Erasure, Lead, Project, Suppression, User
from ingest.services.suppressions import suppression_of
from tests.builders import Caller, caller_of, make_project
from tests.privacy.build import found_in_database, make_grace

pytestmark = pytest.mark.django_db

LEADS = "/admin/ingest/lead/"
ADD = "/admin/ingest/suppression/add/"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_people_are_erased_after_a_question(project: Project, caller: Caller, browser: Client) -> None:
    lead_id = make_grace(caller, project)
    form = {"action": "erase_people", "_selected_action": [lead_id]}

    asked = browser.post(LEADS, form)
    assert "Grace Hopper" in asked.content.decode()
    assert Lead.objects.exists()
    done = browser.post(LEADS, form | {"confirmed": "Erase for good"}, follow=True)

    assert "Erased 1 people" in done.content.decode()
    assert not Lead.objects.exists()
    assert Erasure.objects.get().by == "root"
    assert "On request" in browser.get("/admin/ingest/erasure/").content.decode()
    assert "Somebody who was erased" in browser.get("/admin/ingest/event/").content.decode()


def test_a_name_is_suppressed_by_typing_it_and_shown_nowhere(project: Project, browser: Client) -> None:
    form = {"project": project.pk, "kind": "email", "value": "Grace@Navy.example", "reason": "Objected"}

    answer = browser.post(ADD, form, follow=True)

    assert answer.status_code == 200
    assert suppression_of(project.pk, Name("email", "grace@navy.example")) is not None
    assert "navy" not in browser.get("/admin/ingest/suppression/").content.decode().lower()
    assert found_in_database(("navy.example",)) == []


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("email", "grace", "not an e-mail address"),
        ("user_id", "ada", "A lead answers to this"),
        ("user_id", "bob", "suppressed already"),
    ],
)
def test_what_cannot_be_suppressed_is_refused_in_words(
    project: Project, caller: Caller, browser: Client, kind: str, value: str, why: str
) -> None:
    caller.track(userId="ada")
    browser.post(ADD, {"project": project.pk, "kind": "user_id", "value": "bob"})

    answer = browser.post(ADD, {"project": project.pk, "kind": kind, "value": value})

    assert why in answer.content.decode()
    assert Suppression.objects.count() == 1


def test_a_lead_cannot_be_given_a_suppressed_address(project: Project, browser: Client) -> None:
    browser.post(ADD, {"project": project.pk, "kind": "email", "value": "grace@navy.example"})

    answer = browser.post(f"{LEADS}add/", {"project": project.pk, "email": "grace@navy.example"})

    assert "suppressed" in answer.content.decode()
    assert not Lead.objects.exists()


def test_how_long_people_are_kept_and_their_addresses_are_a_projects_settings(
    project: Project, browser: Client
) -> None:
    shown = browser.get(f"/admin/ingest/project/{project.pk}/change/").content.decode()

    assert 'name="erase_after_idle_days"' in shown
    assert 'name="keeps_ip_addresses"' in shown
