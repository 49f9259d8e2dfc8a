"""The page that connects a project to what sends its events."""

import html
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Project, User
from ingest.services.keys import issue_key
from tests.dashboard.build import make_lead, track
from tests.webhooks.build import make_source


@pytest.fixture
def address(project: Project) -> str:
    return f"/p/{project.pk}/integrations"


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_snippet_has_the_projects_own_write_key_in_it(
    browser_of_member: Client, project: Project, strangers_project: Project, address: str
) -> None:
    _, theirs = issue_key(strangers_project.pk, KeyKind.WRITE)
    _, new = issue_key(project.pk, KeyKind.WRITE)

    page = text_of(browser_of_member, address)

    assert f'<script src="http://testserver/sdk/leadscore.js" data-key="{new.token}" defer></script>' in page
    assert f"X-Write-Key: {new.token}" in page
    assert theirs.token not in page
    assert theirs.hint not in page


def test_keys_are_listed_by_their_first_characters(browser_of_member: Client, project: Project, address: str) -> None:
    _, secret = issue_key(project.pk, KeyKind.SECRET, name="CRM")
    key, old = issue_key(project.pk, KeyKind.WRITE, name="Old site")
    ApiKey.objects.filter(pk=key.pk).update(active=False, allowed_origins=["https://old.example"])

    page = text_of(browser_of_member, address)

    assert f"{secret.hint}…" in page
    assert secret.token not in page
    assert f"{old.hint}…" in page
    assert old.token not in page
    assert "only from https://old.example" in page
    assert "Inactive" in page


def test_without_a_write_key_it_says_what_to_do(
    browser_of_member: Client, member: User, project: Project, address: str
) -> None:
    ApiKey.objects.filter(project=project).delete()

    assert "Ask an administrator" in text_of(browser_of_member, address)

    User.objects.filter(pk=member.pk).update(is_superuser=True, is_staff=True)
    page = text_of(browser_of_member, address)
    assert 'href="/admin/ingest/apikey/add/"' in page
    assert "sdk/leadscore.js" not in page


def test_it_waits_for_the_first_event_and_says_what_came(
    browser_of_member: Client, project: Project, address: str
) -> None:
    assert "Waiting for your first event…" in text_of(browser_of_member, address)

    lead = make_lead(project, name="Ada")
    assert "Waiting for your first event…" in text_of(browser_of_member, address)
    track(lead, "page_view")
    with time_machine.travel(timezone.now() + timedelta(seconds=2), tick=False):
        page = text_of(browser_of_member, address)
    assert '<strong class="code">page_view</strong>, <span class="number">2</span> s ago' in page

    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        assert "5 min ago" in text_of(browser_of_member, address)


def test_its_live_part_answers_only_when_something_changed(
    browser_of_member: Client, project: Project, address: str
) -> None:
    fragment = browser_of_member.get(address, headers={"HX-Request": "true"}).content.decode()
    seen = fragment.split("?seen=")[1].split('"')[0]
    poll = f"{address}?seen={seen}"
    assert browser_of_member.get(poll, headers={"HX-Request": "true"}).status_code == 204

    track(make_lead(project, name="Ada"), "signup")

    answer = browser_of_member.get(poll, headers={"HX-Request": "true"})
    assert "signup" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_other_systems_are_listed_with_where_they_send_to(
    browser_of_member: Client, project: Project, strangers_project: Project, address: str
) -> None:
    assert "can send what happens there" in text_of(browser_of_member, address)
    mine, theirs = make_source(project, "stripe"), make_source(strangers_project, "calendly", name="Secret Source")
    make_source(project, "typeform", active=False)

    page = text_of(browser_of_member, address)

    assert f"http://testserver/api/webhooks/{mine.public_id}" in page
    assert "No webhook yet" in page
    assert "Inactive" in page
    assert theirs.public_id not in page
    assert "Secret Source" not in page
    assert mine.secret not in page
