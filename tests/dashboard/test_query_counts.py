"""The pages ask the database a fixed number of questions, however many leads, events and runs there are."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from automation.models import Action, Automation, Delivery, Run
from ingest.models import Lead, Project, User
from tests.dashboard.build import make_lead, score, track

# Session, user and the user's projects are three of each.
PINNED = {
    "": 9,
    "/leads": 7,
    "/leads?q=person&stage=cold": 7,
    "/leaderboard": 6,
    "/automations": 7,
    "/fire": 8,
    "/fire/candidates": 7,
}


def fill(project: Project, owner: User, *, leads: int) -> list[Lead]:
    made = []
    for number in range(leads):
        lead = make_lead(project, name=f"Person {number}", email=f"{number}@example.com")
        track(lead, "page_view", "signup")
        made.append(lead)
    Lead.objects.update(owner=owner)
    score()
    automation, _ = Automation.objects.get_or_create(project=project, name="Tell", to_stage="warm")
    action, _ = Action.objects.get_or_create(automation=automation, kind=Action.Kind.SLACK)
    for lead in made:
        run = Run.objects.create(
            project=project, automation=automation, lead=lead, cause=str(lead.pk), occurred_at=timezone.now()
        )
        Delivery.objects.create(run=run, action=action, kind=action.kind)
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


@pytest.mark.parametrize(("page", "queries"), [("/leads/{}", 17), ("/fire/watch/{}", 11)])
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
