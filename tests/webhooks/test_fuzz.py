"""Whatever a sender signs, and whatever its mapping is, a webhook is stored, left out or refused: never a failure."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingest.core.vendors import VENDORS
from ingest.models import Event, WebhookReceipt, WebhookSource
from tests.api.test_fuzz import odd, places, replaced
from tests.builders import drain_all, make_project, problem_of
from tests.webhooks.build import Sender, sender_of

pytestmark = pytest.mark.django_db

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FIELDS = ["eventType", "eventId", "timestamp", "userId", "email", "anonymousId", "traits", "properties", "items"]
FOUND = [
    "$", "$.*", "$.type", "$.data", "$.data.object", "$.data.object.customer_details", "$.data.object.*",
    "$.form_response.answers[*]", "$.form_response.answers[?@.type=='email']", "$.payload", "$.payload.*", "$.created",
]  # fmt: skip


@st.composite
def webhooks(draw: st.DrawFn) -> tuple[str, dict[str, Any], bytes]:
    """Return a vendor, its mapping with some of it exchanged, and its payload with something broken in it."""
    vendor = draw(st.sampled_from(list(VENDORS)))
    mapping = dict(VENDORS[vendor].mapping)
    for field in draw(st.lists(st.sampled_from(FIELDS), max_size=3)):
        path = draw(st.sampled_from(FOUND))
        mapping[field] = {"x": path} if field in ("traits", "properties") else path
    body = json.loads(VENDORS[vendor].payload)
    for _ in range(draw(st.integers(0, 3))):
        body = replaced(body, draw(st.sampled_from(list(places(body)))), draw(odd))
    content = json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    cut = draw(st.integers(0, len(content)))
    return vendor, mapping, draw(st.sampled_from([content, content, content, content[:cut], b"\xff" + content[cut:]]))


@settings(BOUNDED, max_examples=250)
@given(webhooks())
def test_a_broken_webhook_is_taken_or_refused_and_never_a_failure(
    senders: dict[str, Sender], webhook: tuple[str, dict[str, Any], bytes]
) -> None:
    vendor, mapping, body = webhook
    sender = senders[vendor]
    WebhookSource.objects.filter(pk=sender.source.pk).update(mapping=mapping)
    before = WebhookReceipt.objects.count()
    try:
        body.decode()
    except UnicodeDecodeError:
        if vendor == "standard":  # whose published package signs text only
            body = body.decode("utf-8", "replace").encode()

    answer = sender.send(body)

    if answer.status_code >= 400:
        assert problem_of(answer)["status"] in {400, 413, 422}
        assert problem_of(answer)["errors"]
    assert WebhookReceipt.objects.count() > before or before > 200
    drain_all()
    assert Event.objects.filter(pending__isnull=False).count() == 0


@pytest.fixture
def senders() -> dict[str, Sender]:
    project = make_project()
    return {vendor: sender_of(project, vendor, events_per_minute=None) for vendor in VENDORS}
