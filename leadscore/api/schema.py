"""What drf-spectacular cannot find out by itself: how keys are sent, and that a trailing slash makes no other route."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

Endpoint = tuple[str, str, str, Callable[..., Any]]


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """An API key, in either of the two headers that people write by hand."""

    target_class = "ingest.api.authentication.ApiKeyAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer sk_…`"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key by another header."},
        ]


def without_trailing_slash(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Name every route once, in the form without the slash; requests may use either."""
    return [(path.rstrip("/"), pattern, method, view) for path, pattern, method, view in endpoints]
