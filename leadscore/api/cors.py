"""Browsers of any site may send events, so the ingest routes answer cross-origin requests. No other route does."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_INGEST = re.compile(r"/api/(events(/batch)?|ingest/event)/?")
_HEADERS = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": (
        "authorization, content-type, x-api-key, x-write-key, x-retry-count, anonymousid, sentat"
    ),
    "Access-Control-Max-Age": "86400",
}


class CrossOriginIngestMiddleware:
    """Answers preflights of ingest routes and marks their answers as readable. Credentials are never allowed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.headers.get("Origin") or not _INGEST.fullmatch(request.path):
            return self.get_response(request)
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers=_HEADERS)
        else:
            response = self.get_response(request)
            response["Access-Control-Expose-Headers"] = "RateLimit, RateLimit-Policy, Received-At, Retry-After"
        response["Access-Control-Allow-Origin"] = "*"
        return response
