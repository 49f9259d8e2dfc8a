"""Whether an answer may be kept: by nobody, unless its view says otherwise.

An answer depends on a session or a key, and a cache on the way does not know that `X-API-Key` decides whose data it is.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class KeptByNobody:
    """Middleware that forbids keeping what does not say how long it may be kept. Static files never come here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
