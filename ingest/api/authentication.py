"""Who is asking: an API key, which opens one project. A header beats the query, and the query beats the body."""

import base64
import binascii
from typing import cast
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ingest import selectors
from ingest.api import strangers
from ingest.api.bodies import body_of
from ingest.api.errors import RequestRefused
from ingest.core.events import MAX_BATCH_BYTES, key_in_body
from ingest.core.keys import KeyKind
from ingest.models import ApiKey

_QUERY_NAMES = ("apiKey", "writeKey")
_KEY_PREFIXES = tuple(kind.prefix for kind in KeyKind)


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key of a request. Keys in the query or the body are taken on ingest routes only: URLs get logged."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey]:
        token = token_of(request)
        strangers.refuse_guessing(request, token)
        key = selectors.active_key(token) if token else None
        if token and key is not None:
            strangers.remember_good_key(token)
            return AnonymousUser(), key
        strangers.count_bad_key(request, token)
        if not token:
            raise NotAuthenticated("Send your API key, for example as “Authorization: Bearer sk_…”.")
        raise AuthenticationFailed("This API key is unknown, revoked or inactive.")

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="LeadScore"'


def token_of(request: Request) -> str | None:
    """Return the key a request carries, whether or not there is such a key."""
    token = _in_headers(request)
    if token is None and _ingests(request):
        token = _in_query(request) or key_in_body(body_of(request, limit=_largest_body(request)))
    return token


class HoldsSecretKey(BasePermission):
    """Everything but ingestion needs a secret key; a write key stands in web pages."""

    def has_permission(self, request: Request, view: object) -> bool:
        if key_of(request).kind != KeyKind.SECRET.value:
            raise RequestRefused("secret_key_required", "A write key may only send events.", status_code=403)
        return True


class ComesFromAllowedOrigin(BasePermission):
    """A write key with an origin allow-list takes browser requests from these origins only."""

    def has_permission(self, request: Request, view: object) -> bool:
        origin = request.headers.get("Origin")
        allowed = key_of(request).allowed_origins
        if allowed and origin and origin not in allowed:
            raise RequestRefused("origin_not_allowed", f"This key takes no events from {origin}.", status_code=403)
        return True


def key_of(request: Request) -> ApiKey:
    """Return the key that authenticated a request."""
    return cast("ApiKey", request.auth)


def who_asks(request: Request) -> str:
    """Return what to call the key of a request in a note of what was done with it."""
    key = key_of(request)
    return key.name or f"key {key.hint}…"


def project_id_of(request: Request) -> UUID:
    """Return the id of the project that a request's key opens. Every query of the API starts from it."""
    return key_of(request).project_id


def _ingests(request: Request) -> bool:
    return bool(getattr(request.parser_context["view"], "ingests", False)) if request.parser_context else False


def _largest_body(request: Request) -> int:
    view = request.parser_context["view"] if request.parser_context else None
    return int(getattr(view, "largest_body", MAX_BATCH_BYTES))


def _in_headers(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        return _basic_user(credentials.strip())
    if scheme.startswith(_KEY_PREFIXES) and not credentials:  # Dittofeed's clients send the key alone
        return scheme
    # Jitsu's clients insist on a key and a secret with a colon between them: ours is the former.
    return request.headers.get("X-API-Key") or request.headers.get("X-Write-Key", "").partition(":")[0] or None


def _basic_user(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _in_query(request: Request) -> str | None:
    return next(filter(None, (request.query_params.get(name) for name in _QUERY_NAMES)), None)
