"""Browsers of any site may send events, so the ingest routes answer cross-origin requests. No other route does."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_INGEST = re.compile(
    r"/api/(events(/batch)?|ingest/event)/?"
    r"|/v1/(track|identify|page|screen|group|alias|batch|import|[tipsgabm])/?"
    r"|/beacon/v1/batch/?|/api/s/(s2s/)?\w+/?|/api/public/apps/batch/?"
)
_SETTINGS = re.compile(r"/v1/projects/[^/]+/settings/?|/sourceConfig/?")
_ALLOWED_HEADERS = (
    "authorization, content-type, x-api-key, x-write-key, x-retry-count, x-enable-debug, anonymousid, sentat"
)
# RudderStack's browser client adds headers of its own, more with every release; a preflight names those it means.
_RUDDERSTACK = re.compile(r"rsa-[a-z0-9-]{1,60}")
_MOST_EXTRA_HEADERS = 20


class CrossOriginIngestMiddleware:
    """Answers preflights of ingest routes and marks their answers as readable. Credentials are never allowed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = _method_of(request.path) if request.headers.get("Origin") else None
        if method is None:
            return self.get_response(request)
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers=_preflight(request, method))
        else:
            response = self.get_response(request)
            response["Access-Control-Expose-Headers"] = "RateLimit, RateLimit-Policy, Received-At, Retry-After"
        response["Access-Control-Allow-Origin"] = "*"
        return response


def _method_of(path: str) -> str | None:
    """Return the method that any site may use on a route, if there is one."""
    if _INGEST.fullmatch(path):
        return "POST"
    return "GET" if _SETTINGS.fullmatch(path) else None


def _preflight(request: HttpRequest, method: str) -> dict[str, str]:
    asked = request.headers.get("Access-Control-Request-Headers", "").lower()
    extra = sorted({name for name in map(str.strip, asked.split(",")) if _RUDDERSTACK.fullmatch(name)})
    return {
        "Access-Control-Allow-Methods": method,
        "Access-Control-Allow-Headers": ", ".join([_ALLOWED_HEADERS, *extra[:_MOST_EXTRA_HEADERS]]),
        "Access-Control-Max-Age": "86400",
        "Vary": "Access-Control-Request-Headers",
    }
