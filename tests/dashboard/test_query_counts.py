"""The pages ask the database a fixed number of questions, however many leads, events and runs there are."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from automation.models import Action, Automation
from ingest.models import Lead, Project, User
from tests.dashboard.build import make_lead, score, track

# Session, user and the user's projects are three of each.
PINNED = {
    "": 10,
    "/exclusions": 6,
    "/leads": 9,
    "/leads?q=person&stage=warm": 9,
    "/leaderboard": 5,
    "/automations": 7,
    "/fire": 8,
    "/integrations": 9,
    "/privacy": 8,
    "/imports": 4,
    "/fire/candidates": 8,
}


def fill(project: Project, owner: User, *, leads: int) -> list[Lead]:
    automation, _ = Automation.objects.get_or_create(project=project, name="Tell", to_stage="warm")
    Action.objects.get_or_create(automation=automation, kind=Action.Kind.SLACK, url="https://hooks.example/1")
    made = [make_lead(project, name=f"Person {number}", email=f"{number}@example.com") for number in range(leads)]
    for lead in made:
        track(lead, "page_view", "signup")
    Lead.objects.update(owner=owner)
    score()
    return made


@pytest.mark.parametrize(("page", "queries"), PINNED.items())
@pytest.mark.parametrize("leads", [2, 12])
def test_a_page_costs_the_same_at_any_size(
    browser_of_member: Client,
    member: User,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
    page: str,
    queries: int,
    leads: int,
) -> None:
    fill(project, member, leads=leads)
    browser_of_member.get(f"/p/{project.pk}{page}")  # compiles the rules, once per process

    with django_assert_num_queries(queries):
        browser_of_member.get(f"/p/{project.pk}{page}")


@pytest.mark.parametrize(("page", "queries"), [("/leads/{}", 27), ("/fire/watch/{}", 14)])
@pytest.mark.parametrize("events", [1, 30])
def test_a_leads_page_costs_the_same_with_any_history(
    browser_of_member: Client,
    member: User,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
    page: str,
    queries: int,
    events: int,
) -> None:
    lead = fill(project, member, leads=1)[0]
    track(lead, *["page_view"] * events)
    score()
    track(lead, *["signup"] * events)
    address = f"/p/{project.pk}{page.format(lead.pk)}"
    browser_of_member.get(address)

    with django_assert_num_queries(queries):
        browser_of_member.get(address)
