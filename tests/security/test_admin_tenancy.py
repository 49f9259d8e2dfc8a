"""A member of staff who holds every permission there is still sees, and changes, their own projects only."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client

from automation.models import Automation
from automation.services.runs import record_runs
from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Lead, Membership, Project, User
from ingest.services.keys import issue_key
from scoring.models import Scorecard
from tests.automation.builders import make_automation, outcome_of_getting_hot
from tests.builders import caller_of, drain_all, make_lead, make_member, make_project

pytestmark = pytest.mark.django_db
MODELS = sorted((model._meta.app_label, model._meta.model_name or "") for model in admin.site._registry)
SECRETS = ("Strangers Ltd", "strangers_person", "Secret Lead", "secret_event", "Secret Automation", "all_powerful")


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Two projects, and a browser of somebody on the staff of `mine`."""

    mine: Project
    theirs: Project
    me: User
    stranger: User
    root: User
    their_lead: Lead
    their_automation: Automation
    browser: Client


@pytest.fixture
def two() -> Two:
    mine, theirs = make_project("Mine"), make_project("Strangers Ltd")
    me, stranger = make_member(mine, "me"), make_member(theirs, "strangers_person")
    me.user_permissions.add(*Permission.objects.all())
    lead = make_lead(theirs, name="Secret Lead", email="secret@example.com")
    caller_of(theirs).track("secret_event", leadId=str(lead.pk))
    drain_all()
    automation = make_automation(theirs, {"kind": "assign"}, name="Secret Automation")
    record_runs([outcome_of_getting_hot(lead)])
    browser = Client()
    browser.force_login(me)
    root = User.objects.create_superuser("all_powerful")
    return Two(
        mine=mine,
        theirs=theirs,
        me=me,
        stranger=stranger,
        root=root,
        their_lead=lead,
        their_automation=automation,
        browser=browser,
    )


@pytest.mark.parametrize(("app", "model"), MODELS)
def test_no_list_or_form_shows_anything_of_strangers(two: Two, app: str, model: str) -> None:
    for page in ("", "add/", "?q=secret", f"?project__id__exact={two.theirs.pk}", f"?project={two.theirs.pk}"):
        answer = two.browser.get(f"/admin/{app}/{model}/{page}", follow=True)
        shown = answer.content.decode().replace(f"{two.theirs.pk}", "")
        assert [secret for secret in SECRETS if secret in shown] == [], page


@pytest.mark.parametrize("page", ["change", "history", "delete"])
@pytest.mark.parametrize("name", ["project", "lead", "automation", "user"])
def test_no_page_of_a_strangers_thing_is_found(two: Two, name: str, page: str) -> None:
    address = {
        "project": f"/admin/ingest/project/{two.theirs.pk}",
        "lead": f"/admin/ingest/lead/{two.their_lead.pk}",
        "automation": f"/admin/automation/automation/{two.their_automation.pk}",
        "user": f"/admin/ingest/user/{two.stranger.pk}",
    }[name]
    for method in (two.browser.get, two.browser.post):
        answer = method(f"{address}/{page}/", {"post": "yes"})
        assert answer.status_code in (302, 403)
    assert User.objects.count() == 3
    assert Project.objects.count() == 2


@pytest.mark.parametrize(("model", "field"), [("membership", "user"), ("lead", "owner")])
def test_choosing_people_offers_members_of_ones_own_projects(two: Two, model: str, field: str) -> None:
    query = {"app_label": "ingest", "model_name": model, "field_name": field, "term": ""}

    answer = two.browser.get("/admin/autocomplete/", query)

    assert [person["text"] for person in answer.json()["results"]] == ["me"]


@pytest.mark.parametrize("lookup", ["project__name", "lead__email", "automation__name", "project__memberships__user"])
@pytest.mark.parametrize(("app", "model"), MODELS)
def test_what_is_behind_a_relation_cannot_be_guessed_by_a_filter(two: Two, app: str, model: str, lookup: str) -> None:
    answer = two.browser.get(f"/admin/{app}/{model}/", {f"{lookup}__startswith": "S"})

    assert answer.status_code in (302, 400, 403)


def lead_form(project: Project, **values: Any) -> dict[str, Any]:
    return {"project": str(project.pk), "name": "New", "email": "", "company": "", "owner": "", **values}


def test_nothing_is_made_in_a_strangers_project(two: Two) -> None:
    project = str(two.theirs.pk)
    forms = {
        "ingest/lead": lead_form(two.theirs),
        "ingest/apikey": {"project": project, "kind": "secret", "name": "mine now", "active": "on"},
        "automation/automation": {
            "project": project,
            "name": "spy",
            "trigger": "stage_change",
            "direction": "up",
            "active": "on",
            "actions-TOTAL_FORMS": 0,
            "actions-INITIAL_FORMS": 0,
        },
        "scoring/scorecard": {
            "project": project,
            "name": "theirs",
            "position": 0,
            "floor": 0,
            "cap": 100,
            "stages-TOTAL_FORMS": 1,
            "stages-INITIAL_FORMS": 0,
            "stages-0-name": "cold",
            "stages-0-minimum": 0,
            "rules-TOTAL_FORMS": 0,
            "rules-INITIAL_FORMS": 0,
        },
    }
    before = (Lead.objects.count(), ApiKey.objects.count(), Automation.objects.count(), Scorecard.objects.count())

    for model, form in forms.items():
        answer = two.browser.post(f"/admin/{model}/add/", form)
        assert answer.status_code == 200, model
        assert answer.context["adminform"].form.errors["project"], model

    assert before == (
        Lead.objects.count(),
        ApiKey.objects.count(),
        Automation.objects.count(),
        Scorecard.objects.count(),
    )


@pytest.mark.parametrize("action", ["delete_selected", "replay_failed"])
def test_an_action_does_not_reach_what_the_list_does_not_show(two: Two, action: str) -> None:
    key, _ = issue_key(two.theirs.pk, KeyKind.SECRET)
    delivery = two.their_automation.runs.get().deliveries.get()
    type(delivery).objects.update(status="failed")
    model, chosen = {
        "delete_selected": ("ingest/apikey", key.pk),
        "replay_failed": ("automation/delivery", delivery.pk),
    }[action]

    two.browser.post(f"/admin/{model}/", {"action": action, "_selected_action": str(chosen), "post": "yes"})

    assert ApiKey.objects.filter(pk=key.pk).exists()
    delivery.refresh_from_db()
    assert delivery.status == "failed"


def test_a_lead_is_owned_by_a_member_of_its_project_only(two: Two) -> None:
    answer = two.browser.post("/admin/ingest/lead/add/", lead_form(two.mine, owner=str(two.stranger.pk)))
    assert answer.context["adminform"].form.errors["owner"]

    answer = two.browser.post("/admin/ingest/lead/add/", lead_form(two.mine, owner=str(two.me.pk)))
    assert answer.status_code == 302
    assert Lead.objects.get(project=two.mine).owner == two.me


def test_even_a_superuser_does_not_give_a_lead_to_an_outsider(two: Two) -> None:
    two.browser.force_login(two.root)

    answer = two.browser.post("/admin/ingest/lead/add/", lead_form(two.mine, owner=str(two.stranger.pk)))

    assert answer.context["adminform"].form.errors["owner"] == ["strangers_person is not a member of Mine."]


def test_a_stranger_cannot_be_pulled_into_ones_own_project(two: Two) -> None:
    form = {
        "name": "Mine",
        "time_zone": "UTC",
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": str(two.stranger.pk),
        "memberships-0-project": str(two.mine.pk),
    }

    answer = two.browser.post(f"/admin/ingest/project/{two.mine.pk}/change/", form)

    assert answer.status_code == 200
    assert not Membership.objects.filter(project=two.mine, user=two.stranger).exists()


@pytest.mark.parametrize("whom", ["me", "stranger", "root"])
def test_only_a_superuser_changes_what_people_may_do(two: Two, whom: str) -> None:
    person: User = getattr(two, whom)
    form = {"username": person.username, "is_superuser": "on", "is_staff": "on", "is_active": "on"}

    two.browser.post(f"/admin/ingest/user/{person.pk}/change/", form)
    two.browser.post(f"/admin/ingest/user/{person.pk}/password/", {"password1": "x" * 12, "password2": "x" * 12})
    two.browser.post("/admin/auth/group/add/", {"name": "Rulers"})
    two.browser.post(
        "/admin/ingest/user/add/", {"username": "n", "password1": "Xy-12345678", "password2": "Xy-12345678"}
    )

    changed = User.objects.get(pk=person.pk)
    assert (changed.is_superuser, changed.password) == (person.is_superuser, person.password)
    assert User.objects.count() == 3
    assert not Group.objects.exists()


def test_a_superuser_does_change_people(two: Two) -> None:
    two.browser.force_login(two.root)

    answer = two.browser.post(
        f"/admin/ingest/user/{two.me.pk}/password/",
        {"password1": "correct horse", "password2": "correct horse", "usable_password": "true"},
    )

    assert answer.status_code == 302
    assert User.objects.get(pk=two.me.pk).check_password("correct horse")
    assert two.browser.get("/admin/auth/group/").status_code == 200
