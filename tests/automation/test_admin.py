"""Automations are edited in the admin: mistakes are told in words, and nobody sees another project's."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automation.models import Action, Automation, Delivery, Run
from automation.services.deliveries import deliver_due
from automation.services.runs import record_runs
from ingest.models import Project, User
from tests.automation.builders import make_automation, make_due, only_delivery, outcome_of_getting_hot
from tests.builders import make_lead, make_member, make_project

pytestmark = pytest.mark.django_db
ADD = "/admin/automation/automation/add/"
PUBLIC = "https://8.8.8.8/hook"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_editor(project: Project, name: str = "ed", *, may: tuple[str, ...] = ("view", "add", "change")) -> User:
    user = make_member(project, name)
    for model in ["automation", "action", "run", "delivery"]:
        user.user_permissions.add(*Permission.objects.filter(codename__in=[f"{verb}_{model}" for verb in may]))
    return user


def form(project: Project, *actions: dict[str, Any], **values: Any) -> dict[str, Any]:
    data = {
        "project": str(project.pk),
        "name": "Hot lead",
        "active": "on",
        "trigger": "stage_change",
        "direction": "up",
        "to_stage": "hot",
        "actions-TOTAL_FORMS": len(actions),
        "actions-INITIAL_FORMS": 0,
        **values,
    }
    for number, action in enumerate(actions):
        data |= {f"actions-{number}-{name}": value for name, value in {"position": 0, "active": "on", **action}.items()}
    return data


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "the form was taken"
    found = dict(response.context["adminform"].form.errors)
    for formset in response.context["inline_admin_formsets"]:
        for inline in formset.formset.forms:
            found |= inline.errors
    return found


def test_a_member_adds_an_automation_and_its_webhook_gets_a_secret() -> None:
    project = make_project()

    response = client_of(make_editor(project)).post(ADD, form(project, {"kind": "webhook", "url": PUBLIC}))

    assert response.status_code == 302
    action = Action.objects.get()
    assert (action.automation.name, action.automation.project) == ("Hot lead", project)
    assert action.secret.startswith("whsec_")


def test_a_stage_the_project_does_not_have_is_refused_with_those_it_has() -> None:
    project = make_project()

    response = client_of(make_editor(project)).post(ADD, form(project, to_stage="hott"))

    assert errors_of(response) == {
        "to_stage": ["Acme has no stage “hott”. It has cold, warm, hot, qualified."],
    }


def test_an_event_automation_needs_an_event() -> None:
    project = make_project()

    response = client_of(make_editor(project)).post(ADD, form(project, trigger="event"))

    assert errors_of(response) == {"event_type": ["Say which event, such as demo_request."]}


def test_fields_of_the_other_trigger_are_dropped() -> None:
    project = make_project()

    client_of(make_editor(project)).post(ADD, form(project, trigger="event", event_type="signup"))

    assert (Automation.objects.get().to_stage, Automation.objects.get().event_type) == ("", "signup")


@pytest.mark.parametrize(
    ("action", "field", "words"),
    [
        ({"kind": "webhook"}, "url", "Say where to post: a URL that begins with https://."),
        ({"kind": "slack"}, "url", "Say where to post: a URL that begins with https://."),
        ({"kind": "slack", "url": "http://127.0.0.1/"}, "url", "is a loopback address"),
        ({"kind": "webhook", "url": "http://169.254.169.254/"}, "url", "is a cloud metadata address"),
        ({"kind": "webhook", "url": "ftp://8.8.8.8/"}, "url", "must begin with https:// or http://"),
        ({"kind": "webhook", "url": PUBLIC, "secret": "abc"}, "secret", "A signing secret begins with whsec_."),
        ({"kind": "webhook", "url": PUBLIC, "secret": "whsec_!!"}, "secret", "is base64"),
        ({"kind": "webhook", "url": PUBLIC, "secret": "whsec_YWJj"}, "secret", "holds 24 to 64 bytes"),
        ({"kind": "email", "recipients": "a@b.example, nobody"}, "recipients", "“nobody” is not an e-mail address."),
        ({"kind": "email", "recipients": "a@b.example\nBcc: c@d.example"}, "recipients", "is not an e-mail address."),
        ({"kind": "email", "subject": "{leed}"}, "subject", "There is no {leed}. You may use {lead}, {email}"),
        ({"kind": "email", "subject": "a\nBcc: c@d.example"}, "subject", "A subject is one line."),
        ({"kind": "slack", "url": PUBLIC, "message": "{lead.owner.password}"}, "message", "There is no {lead.owner."),
    ],
)
def test_a_mistake_in_an_action_is_told_in_words(action: dict[str, Any], field: str, words: str) -> None:
    project = make_project()

    errors = errors_of(client_of(make_editor(project)).post(ADD, form(project, action)))

    assert list(errors) == [field]
    assert words in errors[field][0]
    assert not Automation.objects.exists()


def test_what_a_kind_does_not_need_is_dropped_and_not_held_against_it() -> None:
    project = make_project()
    action = {"kind": "assign", "url": "http://127.0.0.1/", "subject": "{leed}", "secret": "abc"}

    response = client_of(make_editor(project)).post(ADD, form(project, action))

    assert response.status_code == 302
    assert (Action.objects.get().url, Action.objects.get().subject, Action.objects.get().secret) == ("", "", "")


def test_switching_a_disabled_action_on_again_forgets_why_it_was_off() -> None:
    project = make_project()
    automation = make_automation(project, {"kind": "assign", "active": False, "disabled_because": "Answered 410 Gone."})
    action = automation.actions.get()
    data = form(project, {"kind": "assign", "id": str(action.pk), "automation": str(automation.pk)})

    response = client_of(make_editor(project)).post(
        reverse("admin:automation_automation_change", args=[automation.pk]), data | {"actions-INITIAL_FORMS": 1}
    )

    action.refresh_from_db()
    assert (response.status_code, action.active, action.disabled_because) == (302, True, "")


def test_another_projects_automations_do_not_exist() -> None:
    theirs = make_lead(make_project("Theirs"))
    automation = make_automation(theirs.project, {"kind": "assign"})
    record_runs([outcome_of_getting_hot(theirs)])
    client = client_of(make_editor(make_project("Mine")))

    for name, row in [("automation", automation), ("run", Run.objects.get()), ("delivery", Delivery.objects.get())]:
        listed = client.get(reverse(f"admin:automation_{name}_changelist"))
        assert (listed.status_code, list(listed.context["cl"].result_list)) == (200, [])
        assert client.get(reverse(f"admin:automation_{name}_change", args=[row.pk])).status_code == 302


def test_an_automation_cannot_be_added_to_another_project() -> None:
    theirs = make_project("Theirs")

    response = client_of(make_editor(make_project("Mine"))).post(ADD, form(theirs))

    assert list(errors_of(response)) == ["project"]
    assert not Automation.objects.exists()


def test_a_superuser_sees_every_project() -> None:
    make_automation(make_project("Theirs"))
    client = client_of(User.objects.create_superuser("root"))

    listed = client.get("/admin/automation/automation/")

    assert [each.name for each in listed.context["cl"].result_list] == ["Hot lead"]


def test_who_may_only_look_sees_no_secret_and_no_hook() -> None:
    project = make_project()
    automation = make_automation(project, {"kind": "webhook", "url": "https://hooks.example.com/T0KEN"})
    secret = automation.actions.get().secret
    page = reverse("admin:automation_automation_change", args=[automation.pk])

    editors = client_of(make_editor(project, "ed")).get(page).content.decode()
    viewers = client_of(make_editor(project, "vi", may=("view",))).get(page).content.decode()

    assert (secret in editors, "T0KEN" in editors) == (True, True)
    assert (secret in viewers, "T0KEN" in viewers) == (False, False)
    assert "hooks.example.com/…" in viewers


def test_runs_and_deliveries_cannot_be_edited() -> None:
    lead = make_due({"kind": "slack"})
    client = client_of(User.objects.create_superuser("root"))
    page = reverse("admin:automation_delivery_change", args=[only_delivery().pk])

    assert client.get(page).status_code == 200
    assert client.post(page, {"status": "delivered"}).status_code == 403
    assert client.get("/admin/automation/run/add/").status_code == 403
    assert client.get(reverse("admin:automation_run_change", args=[Run.objects.get().pk])).status_code == 200
    assert lead.runs.exists()


def replay_chosen(client: Client) -> Any:
    chosen = {
        "action": "replay_failed",
        "_selected_action": [str(pk) for pk in Delivery.objects.values_list("pk", flat=True)],
    }
    return client.post("/admin/automation/delivery/", chosen, follow=True)


def test_failed_deliveries_are_replayed_from_the_list() -> None:
    lead = make_due({"kind": "slack"}, {"kind": "assign"})
    deliver_due(seconds=30)
    client = client_of(make_editor(lead.project))

    response = replay_chosen(client)

    assert "1 of 2 deliveries go out again. Only failed ones can be replayed." in response.content.decode()
    assert Delivery.objects.get(kind="slack").status == "pending"


def test_who_may_only_look_cannot_replay() -> None:
    lead = make_due({"kind": "slack"})
    deliver_due(seconds=30)

    replay_chosen(client_of(make_editor(lead.project, may=("view",))))

    assert only_delivery().status == "failed"


@pytest.mark.parametrize("name", ["automation", "run", "delivery"])
def test_a_list_takes_the_same_queries_however_long_it_is(name: str) -> None:
    project = make_project()
    client = client_of(User.objects.create_superuser("root"))
    make_automation(project, {"kind": "assign"}, name="First")
    record_runs([outcome_of_getting_hot(make_lead(project))])
    client.get("/admin/")

    with CaptureQueriesContext(connection) as short:
        client.get(reverse(f"admin:automation_{name}_changelist"))
    for number in range(10):
        make_automation(project, {"kind": "assign"}, name=f"Another {number}")
    record_runs([outcome_of_getting_hot(make_lead(project)) for _ in range(3)])
    with CaptureQueriesContext(connection) as long:
        client.get(reverse(f"admin:automation_{name}_changelist"))

    assert len(long) == len(short)
