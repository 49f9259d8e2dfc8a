"""Firing events by hand."""

from typing import Any

import pytest
from django.test import Client

from ingest.models import Event, Lead, Project
from tests.dashboard.build import make_lead, score

SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def lead(project: Project) -> Lead:
    return make_lead(project, email="ada@example.com", name="Ada")


@pytest.fixture
def fire(project: Project) -> str:
    return f"/p/{project.pk}/fire"


def fired(**choices: Any) -> dict[str, Any]:
    return {"who": "known", "event_type": "signup", "properties": "", "times": "1"} | choices


def test_an_event_is_stored_and_its_score_comes_with_its_reason(
    browser_of_member: Client, fire: str, lead: Lead
) -> None:
    answer = browser_of_member.post(fire, fired(lead=lead.pk, properties='{"plan": "pro"}'), headers=SCRIPT)

    assert "being scored" in answer.content.decode()
    assert Event.objects.get(event_type="signup").properties == {"plan": "pro"}

    score()
    watch = browser_of_member.get(f"{fire}/watch/{lead.pk}", headers=SCRIPT).content.decode()
    assert 'data-count="20.00"' in watch
    assert "Sign-up</bdi> +20" in watch
    assert "being scored" not in watch


def test_without_scripts_the_page_comes_back_with_the_lead_and_the_event_chosen(
    browser_of_member: Client, fire: str, lead: Lead
) -> None:
    answer = browser_of_member.post(fire, fired(lead=lead.pk))

    assert answer.status_code == 302
    page = browser_of_member.get(answer.headers["Location"]).content.decode()
    assert f'value="{lead.pk}" ' in page
    assert 'value="signup" checked' in page


def test_a_burst_is_that_many_events(browser_of_member: Client, fire: str, lead: Lead) -> None:
    browser_of_member.post(fire, fired(lead=lead.pk, times="20"))
    score()

    assert Event.objects.filter(event_type="signup").count() == 20
    assert lead.scores.get().score == 400


def test_a_new_lead_is_made_and_chosen(browser_of_member: Client, fire: str, project: Project) -> None:
    answer = browser_of_member.post(
        fire, fired(who="new", name="Grace", email="Grace@Example.com", company="Navy"), headers=SCRIPT
    )

    lead = Lead.objects.get(project=project)
    assert (lead.name, lead.email, lead.company) == ("Grace", "grace@example.com", "Navy")
    assert f"lead={lead.pk}" in answer.headers["HX-Push-Url"]
    assert 'hx-swap-oob="true"' in answer.content.decode()


def test_a_type_no_rule_knows_is_stored_and_scores_nothing(browser_of_member: Client, fire: str, lead: Lead) -> None:
    browser_of_member.post(fire, fired(lead=lead.pk, event_type="", other_type="whitepaper_read"))
    score()

    watch = browser_of_member.get(f"{fire}/watch/{lead.pk}").content.decode()
    assert "whitepaper_read" in watch
    assert "No rule for this event" in watch


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"lead": ""}, "Choose a lead, or make a new one."),
        ({"lead": "nonsense"}, "Choose a lead."),
        ({"event_type": "", "other_type": "two words"}, "must be 1 to 64 letters, digits or underscores"),
        ({"event_type": "", "other_type": ""}, "must be 1 to 64 letters, digits or underscores"),
        ({"properties": "{"}, "This is not JSON"),
        ({"properties": "[1]"}, "Properties are a JSON object"),
        ({"properties": '{"a": {"b": {"c": 1}}}'}, "properties/a"),
        ({"properties": '{"a": "' + "x" * 6000 + '"}'}, "larger than"),
        ({"properties": "[" * 10_000}, "This is not JSON"),
        ({"times": "1000"}, "not one of the available choices"),
        ({"who": "new", "email": "nobody"}, "This is not an e-mail address."),
        ({"who": "new", "email": "ada@example.com"}, "Another lead has this e-mail."),
    ],
)
def test_a_mistake_is_named_and_nothing_is_stored(
    browser_of_member: Client, fire: str, lead: Lead, choices: dict[str, str], words: str
) -> None:
    before = Event.objects.count()

    plain = browser_of_member.post(fire, fired(lead=str(lead.pk)) | choices)
    script = browser_of_member.post(fire, fired(lead=str(lead.pk)) | choices, headers=SCRIPT)

    assert plain.status_code == 422
    assert script.headers["HX-Retarget"] == "#fire"
    for answer in (plain, script):
        assert words in answer.content.decode()
    assert Event.objects.count() == before


def test_leads_to_choose_from_are_found_and_the_chosen_one_stays(
    browser_of_member: Client, fire: str, project: Project, lead: Lead
) -> None:
    make_lead(project, name="Grace")

    found = browser_of_member.get(f"{fire}/candidates?find=grace&lead={lead.pk}").content.decode()

    assert found.index("Ada") < found.index("Grace")


def test_the_rules_of_the_project_are_offered_with_their_points(browser_of_member: Client, fire: str) -> None:
    page = browser_of_member.get(fire).content.decode()

    assert 'value="demo_request"' in page
    assert "+50" in page
    assert "−20" in page


def test_a_forged_request_is_refused(project: Project, fire: str, lead: Lead) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(project.members.get())

    answer = browser.post(fire, fired(lead=lead.pk))

    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
