"""Call a webhook, signed as Standard Webhooks 1.0.0 has it."""

import binascii

import orjson
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from automation.actions.http import post_for_outcome
from automation.core.outcomes import Outcome, Verdict
from automation.errands import Errand
from automation.models import Automation


def send(errand: Errand) -> Outcome:
    """Post what happened. The id is the delivery's on every attempt, so receivers can drop repetitions."""
    if not errand.secrets:
        return Outcome(verdict=Verdict.FAILED, detail="The action has no signing secret.")
    now = timezone.now().replace(microsecond=0)
    body = orjson.dumps(body_of(errand), option=orjson.OPT_UTC_Z)
    try:
        signatures = [Webhook(secret).sign(str(errand.delivery_id), now, body.decode()) for secret in errand.secrets]
    except (binascii.Error, EmptyWebhookSecretError):
        return Outcome(verdict=Verdict.FAILED, detail="The action's signing secret is not whsec_ followed by base64.")
    headers = {
        "webhook-id": str(errand.delivery_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return post_for_outcome(errand.url, body, headers=headers)


def body_of(errand: Errand) -> dict[str, object]:
    """Return the JSON of the request. `timestamp` is when it happened, the same on every attempt."""
    by_event = errand.trigger == Automation.Trigger.EVENT
    return {
        "type": "lead.event" if by_event else "lead.stage_changed",
        "timestamp": errand.facts["occurredAt"],
        "data": {
            "project": {"id": str(errand.project_id), "name": errand.project_name},
            "automation": {"id": str(errand.automation_id), "name": errand.automation_name},
            "lead": errand.lead,
            "event": errand.event,
            "stage": {"from": errand.facts["oldStage"], "to": errand.facts["newStage"]},
            "score": {"from": errand.facts["oldScore"], "to": errand.facts["newScore"]},
        },
    }
