"""A rule on a campaign finds it whoever tells of it: our SDK, Segment's clients, or a server that sends an address."""

from typing import Any

import pytest

from ingest.core.keys import KeyKind
from ingest.models import Event
from scoring.models import LeadScore
from tests.builders import Caller, caller_of, drain_all, make_project
from tests.scoring.builders import put_in_force

pytestmark = pytest.mark.django_db
ADDRESS = "https://acme.example/pricing?utm_source=google&utm_medium=cpc&utm_campaign=spring"
RULE = {
    "name": "Visit from campaign spring",
    "event": "page_view",
    "when": {"all": [{"field": "context.campaign.name", "op": "eq", "value": "spring"}]},
    "points": 25,
}
FROM_SDK = {
    "event": "page_view",
    "anonymousId": "a",
    "sessionId": "s",
    "properties": {"path": "/pricing", "url": "https://acme.example/pricing"},
    "context": {
        "page": {"path": "/pricing", "url": "https://acme.example/pricing", "title": "Pricing", "referrer": ""},
        "campaign": {"source": "google", "medium": "cpc", "name": "spring"},
    },
}
SEGMENT_CAMPAIGN = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/ingest/event", FROM_SDK),
        ("/api/events", {"eventType": "page_view", "userId": "1", "properties": {"url": ADDRESS}}),
        ("/api/events", {"eventType": "page_view", "userId": "1", "context": {"page": {"url": ADDRESS}}}),
        ("/v1/page", {"anonymousId": "a", "messageId": "m", "context": SEGMENT_CAMPAIGN}),
        ("/v1/page", {"anonymousId": "a", "messageId": "m", "context": {"page": {"search": ADDRESS[28:]}}}),
    ],
)
def test_a_visit_from_a_campaign_gives_points(path: str, body: dict[str, Any]) -> None:
    project = make_project()
    put_in_force(project, {"name": "Engagement", "rules": [RULE]})
    caller: Caller = caller_of(project, KeyKind.WRITE)

    answer = caller.post(path, body)
    drain_all()

    assert answer.status_code < 300, answer.content
    assert Event.objects.get().context["campaign"] == {"source": "google", "medium": "cpc", "name": "spring"}
    assert LeadScore.objects.get().score == 25
