"""Nobody sees, finds or changes anything of a project they are not a member of, nor learns that it exists."""

from uuid import uuid4

import pytest
from django.test import Client

from ingest.models import Event, Lead, Project, User
from tests.dashboard.build import make_lead, make_project, make_user, score, track

PAGES = [
    "",
    "/leads",
    "/leads/export",
    "/duplicates",
    "/leaderboard",
    "/automations",
    "/rules",
    "/prediction",
    "/fire",
    "/fire/candidates",
    "/integrations",
    "/exclusions",
    "/imports",
    "/privacy",
]


@pytest.mark.parametrize("page", [*PAGES, "/export"])
def test_another_project_is_not_found_exactly_as_one_that_does_not_exist(
    browser_of_member: Client, project: Project, strangers_project: Project, page: str
) -> None:
    of_strangers = browser_of_member.get(f"/p/{strangers_project.pk}{page}")
    of_nobody = browser_of_member.get(f"/p/{uuid4()}{page}")

    assert of_strangers.status_code == of_nobody.status_code == 404
    assert of_strangers.content == of_nobody.content


@pytest.mark.parametrize(
    "page", ["/leads/{}", "/leads/{}/erase", "/leads/{}/export", "/leads/{}/merge", "/fire/watch/{}"]
)
def test_another_projects_lead_is_not_found_under_any_project(
    browser_of_member: Client, project: Project, strangers_project: Project, page: str
) -> None:
    lead = make_lead(strangers_project, name="Secret Person")

    for tenant in (project, strangers_project):
        answer = browser_of_member.get(f"/p/{tenant.pk}{page.format(lead.pk)}")
        assert answer.status_code == 404
        assert b"Secret Person" not in answer.content


def test_no_page_of_mine_shows_anything_of_strangers(
    browser_of_member: Client, project: Project, strangers_project: Project
) -> None:
    mine = make_lead(project, name="My Person")
    track(mine, "signup")
    theirs = make_lead(strangers_project, name="Secret Person", company="Secret Company")
    track(theirs, "contract_signed", "secret_event")
    score()

    for page in [
        *PAGES,
        f"/leads/{mine.pk}",
        f"/leads/{mine.pk}/merge?lead={theirs.pk}",
        f"/leads/{mine.pk}/merge?find=Secret",
        "/leads?q=Secret",
        "/fire/candidates?find=Secret",
        f"/fire?lead={theirs.pk}",
    ]:
        answer = browser_of_member.get(f"/p/{project.pk}{page}")
        assert answer.status_code == 200
        for secret in ("Secret Person", "Secret Company", "secret_event", "Strangers Ltd"):
            assert secret not in answer.getvalue().decode(), page


def test_an_event_cannot_be_fired_for_another_projects_lead(
    browser_of_member: Client, project: Project, strangers_project: Project
) -> None:
    lead = make_lead(strangers_project, name="Secret Person")
    before = Event.objects.count()

    form = {"who": "known", "lead": str(lead.pk), "event_type": "signup"}
    mine = browser_of_member.post(f"/p/{project.pk}/fire", form)
    theirs = browser_of_member.post(f"/p/{strangers_project.pk}/fire", form)

    assert mine.status_code == 422
    assert theirs.status_code == 404
    assert Event.objects.count() == before


def test_a_superuser_sees_only_the_projects_they_are_a_member_of(client: Client, project: Project) -> None:
    root = User.objects.create_superuser("root")
    client.force_login(root)

    assert client.get(f"/p/{project.pk}").status_code == 404


def test_somebody_who_leaves_a_project_loses_it_at_once(browser_of_member: Client, project: Project) -> None:
    assert browser_of_member.get(f"/p/{project.pk}").status_code == 200

    project.memberships.all().delete()

    assert browser_of_member.get(f"/p/{project.pk}").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_nobody_gets_in_without_logging_in(client: Client, project: Project, page: str) -> None:
    answer = client.get(f"/p/{project.pk}{page}")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


def test_a_script_whose_session_ended_moves_the_whole_page_to_the_log_in(client: Client, project: Project) -> None:
    address = f"/p/{project.pk}"
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}"}

    answer = client.get(address, headers=headers)

    assert answer.headers["HX-Redirect"] == f"/login?next={address}"
    assert answer.content == b""


def test_the_switcher_offers_my_projects_only(browser_of_member: Client, member: User, project: Project) -> None:
    make_project(member, name="Second")
    make_project(make_user("somebody"), name="Third")

    answer = browser_of_member.get(f"/p/{project.pk}").content.decode()

    assert "Second" in answer
    assert "Third" not in answer


def test_pages_are_not_kept_by_caches(browser_of_member: Client, project: Project) -> None:
    answer = browser_of_member.get(f"/p/{project.pk}/leads")

    assert "no-store" in answer.headers["Cache-Control"]
    assert "HX-Request" in answer.headers["Vary"]
    assert Lead.objects.count() == 0
