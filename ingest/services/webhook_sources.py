"""Give webhook sources their secrets. Two may live while the sender changes from one to the other."""

import secrets

from ingest.core.secrets import new_signing_secret
from ingest.models import WebhookSource


def new_secret(scheme: WebhookSource.Scheme) -> str:
    """Return a fresh secret in the spelling of a scheme."""
    return new_signing_secret() if scheme == WebhookSource.Scheme.STANDARD else secrets.token_hex(32)


def change_secret(source: WebhookSource, secret: str) -> None:
    """Let a source, saved or not, take webhooks signed with this secret, and with the one it had until now."""
    if secret != source.secret:
        source.former_secret = source.secret
        source.secret = secret
