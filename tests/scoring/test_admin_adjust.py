"""Adjusting a lead in the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from ingest.models import Event, Lead, Membership, User
from tests.scoring.build import make_project, rule, score, scorecard, standing, track

pytestmark = pytest.mark.django_db


def make_lead() -> Lead:
    return track(make_project(scorecard(rule("signup", 20))), "signup", timezone.now())


def browser_of(lead: Lead | None, *permissions: str) -> Client:
    user = User.objects.create_user(f"dana{User.objects.count()}", first_name="Dana", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    if lead is not None:
        Membership.objects.create(project=lead.project, user=user)
    client = Client()
    client.force_login(user)
    return client


def address(lead: Lead) -> str:
    return f"/admin/scoring/leadscore/adjust/{lead.pk}/"


FORM = {"points": "-7.5", "scorecard": "Engagement", "reason": "Wrong number"}


def test_a_member_who_may_change_leads_adjusts_one() -> None:
    lead = make_lead()
    browser = browser_of(lead, "change_lead", "view_lead")

    page = browser.get(f"/admin/ingest/lead/{lead.pk}/change/").content.decode()
    answer = browser.post(address(lead), FORM)
    score(timezone.now())

    assert address(lead) in page
    assert answer.status_code == 302
    assert str(standing(lead)[0]) == "12.50"
    assert Event.objects.get(kind="adjustment").properties["author"]["name"] == "Dana"


@pytest.mark.parametrize(
    "wrong",
    [{"points": "0"}, {"points": "1e9"}, {"points": "NaN"}, {"points": "0.001"}, {"reason": " "}, {"scorecard": "No"}],
)
def test_what_cannot_be_an_adjustment_is_shown_again(wrong: dict[str, str]) -> None:
    lead = make_lead()

    answer = browser_of(lead, "change_lead").post(address(lead), FORM | wrong)

    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert not Event.objects.filter(kind="adjustment").exists()


def test_a_member_who_may_only_look_may_not_adjust() -> None:
    lead = make_lead()

    assert browser_of(lead, "view_lead").post(address(lead), FORM).status_code == 403


def test_for_a_stranger_the_lead_does_not_exist() -> None:
    assert browser_of(None, "change_lead").post(address(make_lead()), FORM).status_code == 404
