"""Sources of webhooks, and senders who sign as the vendors document it: by their own arithmetic, not by ours."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from standardwebhooks import Webhook

from ingest.core.secrets import new_signing_secret
from ingest.core.vendors import VENDORS
from ingest.models import Project, WebhookSource
from ingest.webhook_forms import vendor_initial
from tests.builders import Answer

SECRETS = {"standard": new_signing_secret(), "stripe": "whsec_4fbe9bd5e4a2d1c0"}
Signer = Callable[[str, bytes, datetime], Mapping[str, str]]
_MODEL_FIELDS = {field.name for field in WebhookSource._meta.fields}


def sign_stamped(header: str) -> Signer:
    """Sign as Stripe and Calendly do: hexadecimal, over the time, a dot and the body."""

    def sign(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
        stamp = str(int(at.timestamp()))
        digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {header: f"t={stamp},v1={digest}"}

    return sign


def sign_typeform(secret: str, body: bytes, at: datetime) -> Mapping[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"Typeform-Signature": f"sha256={base64.b64encode(digest).decode()}"}


def sign_standard(secret: str, body: bytes, at: datetime, webhook_id: str = "msg_1") -> Mapping[str, str]:
    """Sign as the published package does."""
    stamp = datetime.fromtimestamp(int(at.timestamp()), UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, stamp, body.decode()),
    }


SIGNERS: Mapping[str, Signer] = {
    "stripe": sign_stamped("Stripe-Signature"),
    "calendly": sign_stamped("Calendly-Webhook-Signature"),
    "typeform": sign_typeform,
    "standard": sign_standard,
}


def make_source(project: Project, vendor: str = "standard", **values: Any) -> WebhookSource:
    """Store a source as the admin's form of a vendor begins."""
    known = {name: value for name, value in vendor_initial(VENDORS[vendor]).items() if name in _MODEL_FIELDS}
    secret = SECRETS.get(vendor, "a secret of the vendor")
    return WebhookSource.objects.create(
        project=project, **{**known, "secret": secret, "mapping": dict(VENDORS[vendor].mapping), **values}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Another system that sends to a source."""

    source: WebhookSource
    signer: Signer
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def send(self, payload: object, *, slash: str = "", **headers: str) -> Answer:
        """Send a payload, signed now; bytes as they are, else as JSON. Headers given here win."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = self.signer(self.source.secret, body, datetime.now(UTC))
        return self.post(body, {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}}, slash)

    def post(self, body: bytes, headers: Mapping[str, str], slash: str = "") -> Answer:
        """Send bytes with these headers and no others."""
        return self.client.generic(
            "POST", self.path + slash, body, content_type="application/json", headers=dict(headers)
        )

    @property
    def path(self) -> str:
        return f"/api/webhooks/{self.source.public_id}"


def sender_of(project: Project, vendor: str = "standard", **values: Any) -> Sender:
    """Return a vendor's system that sends to a new source of the project."""
    return Sender(source=make_source(project, vendor, **values), signer=SIGNERS[vendor])


def call(**fields: Any) -> dict[str, Any]:
    """Return a payload that the mapping of Standard Webhooks reads."""
    return {"type": "signup", "data": {"user_id": "1"}, **fields}
