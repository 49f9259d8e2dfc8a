"""What people take away: the leads that a list shows, and all of the project for whoever runs it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from ingest.models import Project, User
from tests.dashboard.build import make_lead, score, track


@pytest.fixture
def home(project: Project) -> str:
    return f"/p/{project.pk}"


@pytest.fixture
def administrator(member: User) -> User:
    member.is_staff = True
    member.save()
    member.user_permissions.add(Permission.objects.get(codename="change_project"))
    return member


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return bytes(answer.getvalue()).decode()


def test_the_lead_list_links_to_a_file_of_the_leads_it_shows(
    browser_of_member: Client, project: Project, home: str
) -> None:
    for name, event_type in (("Ada", "signup"), ("Bob", "demo_request"), ("Eva", "demo_request")):
        track(make_lead(project, name=name), event_type)
    score()

    page = browser_of_member.get(f"{home}/leads?stage=hot&q=b").content.decode()

    assert f'href="{home}/leads/export?q=b&amp;stage=hot"' in page
    lines = text_of(browser_of_member, f"{home}/leads/export?q=b&stage=hot").splitlines()
    assert [line.split(",")[1] for line in lines] == ["name", "Bob"]


def test_the_file_is_one_that_excel_reads_with_the_highest_score_first(
    browser_of_member: Client, project: Project, home: str
) -> None:
    track(make_lead(project, name="Ünal"), "signup")
    track(make_lead(project, name="Bob"), "demo_request")
    score()

    answer = browser_of_member.get(f"{home}/leads/export")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="acme-leads-20')
    text = bytes(answer.getvalue()).decode()
    assert text.startswith("\ufeffid,name,")
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["Bob", "Ünal"]


@pytest.mark.parametrize("query", ["?ordering=nonsense", "?stage=%00", "?cursor=x", "?q=" + "x" * 999])
def test_no_address_breaks_it(browser_of_member: Client, home: str, query: str) -> None:
    assert text_of(browser_of_member, f"{home}/leads/export{query}").startswith("\ufeffid,")


def test_whoever_may_change_the_project_takes_all_of_it_away(
    browser_of_member: Client, administrator: User, project: Project, home: str
) -> None:
    track(make_lead(project, name="Ada"), "signup")

    assert f'href="{home}/export"' in browser_of_member.get(f"{home}/integrations").content.decode()
    answer = browser_of_member.get(f"{home}/export")

    assert answer.headers["Content-Type"] == "application/jsonl"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="acme-20')
    lines: list[dict[str, Any]] = [json.loads(line) for line in bytes(answer.getvalue()).splitlines()]
    assert lines[0]["type"] == "export"
    assert lines[-1] == {"type": "end", "lines": len(lines)}


@pytest.mark.parametrize("staff", [False, True])
def test_other_members_do_not(browser_of_member: Client, member: User, home: str, *, staff: bool) -> None:
    User.objects.filter(pk=member.pk).update(is_staff=staff)

    assert browser_of_member.get(f"{home}/export").status_code == 403
    assert f"{home}/export" not in browser_of_member.get(f"{home}/integrations").content.decode()


def test_a_superuser_who_is_no_member_finds_no_project(
    browser_of_member: Client, member: User, strangers_project: Project
) -> None:
    User.objects.filter(pk=member.pk).update(is_staff=True, is_superuser=True)

    assert browser_of_member.get(f"/p/{strangers_project.pk}/export").status_code == 404
