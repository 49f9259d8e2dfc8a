"""POST /api/leads/{id}/adjustments"""

import pytest
from django.utils import timezone

from ingest.core.keys import KeyKind
from ingest.models import Event
from tests.scoring.api.build import Api
from tests.scoring.build import make_project, rule, score, scorecard, track

pytestmark = pytest.mark.django_db
RULES = scorecard(rule("signup", 20))


def test_an_adjustment_is_stored_and_told_in_the_history_with_author_and_reason() -> None:
    project = make_project(RULES)
    lead = track(project, "signup", timezone.now())
    api = Api(project)

    status, answer = api.post(f"leads/{lead.pk}/adjustments", {"points": -5, "reason": "Competitor"})
    score(timezone.now())

    assert (status, answer["status"], answer["leadId"]) == (202, "queued", str(lead.pk))
    _, history = api.get(f"leads/{lead.pk}/history")
    signup, adjusted = history["results"]
    assert signup["adjustment"] is None
    assert (adjusted["kind"], adjusted["delta"], adjusted["newScore"]) == ("adjustment", -5, 15)
    assert adjusted["eventId"] == answer["adjustmentId"]
    assert adjusted["adjustment"]["reason"] == "Competitor"
    assert adjusted["adjustment"]["author"]["name"] == "CRM"
    _, told = api.get(f"leads/{lead.pk}/explain")
    assert told["contributions"][-1]["sentence"] == "−5 adjusted by hand, just now by CRM: Competitor"


def test_the_same_adjustment_id_again_is_a_duplicate() -> None:
    project = make_project(RULES)
    lead, api = track(project, "signup", timezone.now()), Api(project)
    body = {"points": 5, "reason": "Fair", "adjustmentId": "a1"}

    api.post(f"leads/{lead.pk}/adjustments", body)
    status, answer = api.post(f"leads/{lead.pk}/adjustments/", body)

    assert (status, answer["status"], answer["adjustmentId"]) == (202, "duplicate", "a1")


def test_an_adjustment_id_that_another_event_has_is_a_conflict() -> None:
    project = make_project(RULES)
    lead = track(project, "signup", timezone.now(), event_id="a1")

    status, answer = Api(project).post(
        f"leads/{lead.pk}/adjustments", {"points": 5, "reason": "Fair", "adjustmentId": "a1"}
    )

    assert (status, answer["code"]) == (409, "id_taken")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": "x"}, "/points"),
        ({"points": "5", "reason": "x"}, "/points"),
        ({"points": True, "reason": "x"}, "/points"),
        ({"points": None, "reason": "x"}, "/points"),
        ({"points": 0, "reason": "x"}, "/points"),
        ({"points": 1_000_000.01, "reason": "x"}, "/points"),
        ({"points": 10**400, "reason": "x"}, "/points"),
        ({"points": 1e300, "reason": "x"}, "/points"),
        ({"points": 0.001, "reason": "x"}, "/points"),
        ('{"points": NaN, "reason": "x"}', "/points"),
        ('{"points": Infinity, "reason": "x"}', "/points"),
        ({"points": 5}, "/reason"),
        ({"points": 5, "reason": " \x00 "}, "/reason"),
        ({"points": 5, "reason": "x" * 501}, "/reason"),
        ({"points": 5, "reason": 5}, "/reason"),
        ({"points": 5, "reason": "x", "scorecard": "Nope"}, "/scorecard"),
        ({"points": 5, "reason": "x", "adjustmentId": ""}, "/adjustmentId"),
        ({"points": 5, "reason": "x", "kind": "event"}, "/kind"),
        ([], ""),
        ("{", ""),
    ],
)
def test_what_cannot_be_an_adjustment_is_refused_and_says_where(body: object, pointer: str) -> None:
    project = make_project(RULES)
    lead = track(project, "signup", timezone.now())

    status, answer = Api(project).post(f"leads/{lead.pk}/adjustments", body)

    assert status == 400
    assert pointer in [error["pointer"] for error in answer["errors"]]
    assert Event.objects.count() == 1


def test_only_secret_keys_may_adjust_and_only_leads_of_their_project() -> None:
    project = make_project(RULES)
    lead = track(project, "signup", timezone.now())
    body = {"points": 5, "reason": "x"}

    assert Api(project, KeyKind.WRITE).post(f"leads/{lead.pk}/adjustments", body)[0] == 403
    assert Api(make_project(RULES)).post(f"leads/{lead.pk}/adjustments", body)[0] == 404
