"""What a source of a known vendor begins with: how it signs, a mapping, and a payload to try the mapping with.

How each vendor signs and what it sends follow its public documentation; the people in the payloads are made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.core.signatures import BODY, SIGNATURE, TIMESTAMP, HeaderScheme, Scheme, StandardScheme

_FOLDER = Path(__file__).parent
_STAMPED = f"t={TIMESTAMP},v1={SIGNATURE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A system whose webhooks we know; `advice` says where in its settings what is found, in words."""

    slug: str
    name: str
    scheme: Scheme
    mapping: Mapping[str, Any]
    advice: str

    @property
    def payload(self) -> str:
        """Return a payload as the vendor sends it."""
        return (_FOLDER / f"{self.slug}.json").read_text(encoding="utf-8")


VENDORS: Mapping[str, Vendor] = {
    vendor.slug: vendor
    for vendor in (
        Vendor(
            slug="stripe",
            name="Stripe",
            scheme=HeaderScheme(header="Stripe-Signature", form=_STAMPED, signed=f"{TIMESTAMP}.{BODY}"),
            mapping={
                "eventType": "$.type",
                "eventTypes": {"checkout.session.completed": "contract_signed"},
                "othersIgnored": True,
                "eventId": "$.id",
                "timestamp": "$.created",
                "userId": "$.data.object.client_reference_id",
                "email": ["$.data.object.customer_details.email", "$.data.object.customer_email"],
                "traits": {"name": "$.data.object.customer_details.name"},
                "properties": {
                    "amount": "$.data.object.amount_total",
                    "currency": "$.data.object.currency",
                    "mode": "$.data.object.mode",
                    "customer": "$.data.object.customer",
                },
            },
            advice="In Stripe, under Developers and Webhooks, add an endpoint with this URL. Stripe then shows the "
            "endpoint’s signing secret (whsec_…): paste it here.",
        ),
        Vendor(
            slug="calendly",
            name="Calendly",
            scheme=HeaderScheme(header="Calendly-Webhook-Signature", form=_STAMPED, signed=f"{TIMESTAMP}.{BODY}"),
            mapping={
                "eventType": "$.event",
                "eventTypes": {"invitee.created": "demo_request", "invitee.canceled": "demo_canceled"},
                "othersIgnored": True,
                "timestamp": "$.created_at",
                "email": "$.payload.email",
                "traits": {"name": "$.payload.name"},
                "properties": {
                    "meeting": "$.payload.scheduled_event.name",
                    "startTime": "$.payload.scheduled_event.start_time",
                    "rescheduled": "$.payload.rescheduled",
                    "reason": "$.payload.cancellation.reason",
                    "utmSource": "$.payload.tracking.utm_source",
                    "utmCampaign": "$.payload.tracking.utm_campaign",
                },
            },
            advice="Calendly’s webhooks are made through its API: POST /webhook_subscriptions with this URL as url and "
            "the secret as signing_key.",
        ),
        Vendor(
            slug="typeform",
            name="Typeform",
            scheme=HeaderScheme(header="Typeform-Signature", form=f"sha256={SIGNATURE}", encoding="base64"),
            mapping={
                "when": [{"path": "$.event_type", "in": ["form_response"]}],
                "eventType": "form_submit",
                "eventId": "$.form_response.token",
                "timestamp": "$.form_response.submitted_at",
                "userId": "$.form_response.hidden.user_id",
                "email": ["$.form_response.answers[?@.type=='email'].email", "$.form_response.hidden.email"],
                "traits": {"name": "$.form_response.answers[?@.field.ref=='name'].text"},
                "properties": {
                    "form": "$.form_response.definition.title",
                    "seats": "$.form_response.answers[?@.field.ref=='seats'].number",
                    "today": "$.form_response.answers[?@.field.ref=='today'].choice.label",
                    "score": "$.form_response.calculated.score",
                },
            },
            advice="In Typeform, under Connect and Webhooks, add a webhook with this URL and the secret, and switch it "
            "on.",
        ),
        Vendor(
            slug="standard",
            name="Standard Webhooks",
            scheme=StandardScheme(),
            mapping={
                "eventType": "$.type",
                "timestamp": "$.timestamp",
                "userId": "$.data.user_id",
                "email": "$.data.email",
                "traits": {"name": "$.data.name"},
                "properties": {"plan": "$.data.plan"},
            },
            advice="For any system that signs as standardwebhooks.com says: give it this URL and the secret.",
        ),
    )
}
