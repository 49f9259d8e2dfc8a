"""Who is who in the admin."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from ingest.core.identity import Reason
from ingest.models import Lead, Project, RefusedName
from ingest.services.merges import merge_leads
from tests.builders import make_member, make_project
from tests.dashboard.build import make_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def browser(project: Project) -> Client:
    member = make_member(project, "dana")
    member.user_permissions.set(Permission.objects.filter(content_type__app_label="ingest"))
    client = Client()
    client.force_login(member)
    return client


@pytest.fixture
def merged(project: Project) -> tuple[Lead, Lead]:
    bob, ada = make_lead(project, name="Bob"), make_lead(project, name="Ada", email="ada@example.org")
    merge_leads(project.pk, ada.pk, bob.pk, by="Eve", now=timezone.now())
    return ada, bob


def shown(browser: Client, path: str) -> str:
    answer = browser.get(f"/admin/ingest/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def names(page: str) -> set[str]:
    return {name for name in ("Ada", "Bob") if f">{name}</a>" in page}


def test_merged_leads_are_listed_only_when_asked_for(browser: Client, merged: tuple[Lead, Lead]) -> None:
    assert names(shown(browser, "lead/")) == {"Ada"}
    assert names(shown(browser, "lead/?merged=yes")) == {"Bob"}
    assert names(shown(browser, "lead/?merged=all")) == {"Ada", "Bob"}


def test_a_merged_lead_says_into_whom_and_is_not_edited(browser: Client, merged: tuple[Lead, Lead]) -> None:
    ada, bob = merged

    page = shown(browser, f"lead/{bob.pk}/change/")

    assert f'<a href="/admin/ingest/lead/{ada.pk}/change/">Ada</a>' in page
    assert 'name="_save"' not in page
    assert "Nobody: it stands for itself" in shown(browser, f"lead/{ada.pk}/change/")


def test_leads_lead_to_their_page_and_to_the_duplicates(
    browser: Client, project: Project, merged: tuple[Lead, Lead]
) -> None:
    ada, _ = merged

    assert f'href="/p/{project.pk}/duplicates">Duplicates</a>' in shown(browser, "lead/")
    assert f'href="/p/{project.pk}/leads/{ada.pk}">Its page</a>' in shown(browser, f"lead/{ada.pk}/change/")


def test_merges_and_refused_names_are_read_only(browser: Client, project: Project, merged: tuple[Lead, Lead]) -> None:
    ada, _ = merged
    refused = RefusedName.objects.create(
        project=project, lead=ada, kind="user_id", value="7", reason=Reason.OTHER_USER, created_at=timezone.now()
    )

    assert names(shown(browser, "merge/")) == {"Ada", "Bob"}
    assert "it belongs to somebody with another user id" in shown(browser, "refusedname/")
    for address in ("merge/add/", "refusedname/add/", f"refusedname/{refused.pk}/delete/"):
        assert browser.get(f"/admin/ingest/{address}").status_code == 403


def test_a_project_says_what_must_not_join_people(browser: Client, project: Project) -> None:
    page = shown(browser, f"project/{project.pk}/change/")
    assert "mean nobody in particular" in page

    form = {
        "name": "Acme",
        "time_zone": "UTC",
        "blocked_names": "demo-*",
        "max_names_per_lead": "50",
        **{f"{inline}_FORMS": "0" for inline in re.findall(r'name="(\S+-(?:TOTAL|INITIAL))_FORMS"', page)},
    }
    assert browser.post(f"/admin/ingest/project/{project.pk}/change/", form).status_code == 302
    project.refresh_from_db()
    assert (project.blocked_names, project.max_names_per_lead) == ("demo-*", 50)

    refused = browser.post(f"/admin/ingest/project/{project.pk}/change/", {**form, "max_names_per_lead": "0"})
    assert refused.status_code == 200
