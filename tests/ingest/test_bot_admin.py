"""What a project takes for bots, in the admin."""

from typing import Any

import pytest
from django.test import Client

from ingest.core.bursts import BurstRule
from ingest.models import BotFilter, Project, User
from ingest.selectors import burst_rules
from tests.builders import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def save(client: Client, project: Project, **fields: str) -> Any:
    client.force_login(User.objects.create_superuser("root"))
    management = {
        f"{prefix}-{name}": value
        for prefix in ("memberships", "bot_filter")
        for name, value in (("TOTAL_FORMS", "0"), ("INITIAL_FORMS", "0"))
    }
    own = {f"bot_filter-0-{name}": value for name, value in {"project": str(project.pk), **fields}.items()}
    rest = {"max_names_per_lead": "500", "blocked_names": ""}
    body = {"name": project.name, "time_zone": "UTC", **rest, **management, "bot_filter-TOTAL_FORMS": "1", **own}
    return client.post(f"/admin/ingest/project/{project.pk}/change/", body)


def test_a_project_without_a_filter_has_the_defaults(project: Project) -> None:
    assert burst_rules([project.pk]) == {project.pk: BurstRule()}


def test_a_project_says_what_it_takes_for_a_burst(client: Client, project: Project) -> None:
    answer = save(
        client,
        project,
        known_bots="on",
        gateways="on",
        click_types="click\nlink",
        open_types="",
        links="4",
        seconds="2",
    )

    assert answer.status_code == 302, answer.content
    assert burst_rules([project.pk]) == {
        project.pk: BurstRule(click_types=frozenset({"click", "link"}), open_types=frozenset(), links=4, seconds=2)
    }


def test_a_project_switches_both_off(client: Client, project: Project) -> None:
    save(client, project, click_types="click", open_types="", links="3", seconds="3")

    assert burst_rules([project.pk]) == {}
    assert not BotFilter.objects.get().known_bots


@pytest.mark.parametrize(
    ("field", "value"), [("links", "1"), ("seconds", "0"), ("seconds", "61"), ("click_types", "two words, no")]
)
def test_what_makes_no_sense_is_refused(client: Client, project: Project, field: str, value: str) -> None:
    fields = {"gateways": "on", "click_types": "click", "open_types": "", "links": "3", "seconds": "3"} | {field: value}

    assert save(client, project, **fields).status_code == 200
    assert not BotFilter.objects.exists()
