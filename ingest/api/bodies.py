"""Request bodies, read whole but never beyond a limit."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from rest_framework.request import Request

from ingest.api.errors import RequestRefused


def body_of(request: Request, *, limit: int) -> bytes:
    """Return a request's bytes; refuse more than `limit` of them with 413."""
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise RequestRefused("invalid", "The Content-Length is not a number.") from None
    if announced > limit:
        raise _too_large(limit)
    try:
        body = _whole(request._request, limit=limit)
    except RequestDataTooBig:
        raise _too_large(limit) from None
    except UnreadablePostError:
        raise RequestRefused("incomplete_body", "The connection ended before the body did.") from None
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _whole(request: HttpRequest, *, limit: int) -> bytes:
    """Return the body, also of a request that came in chunks and so does not say how long it is.

    Django takes such a body for an empty one, because not every server marks its end; ours does.
    """
    unknown_length = "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated")
    if unknown_length and not hasattr(request, "_body"):
        read = request.META["wsgi.input"].read
        parts = bytearray()
        while len(parts) <= limit and (part := read(limit + 1 - len(parts))):
            parts += part
        request._body = bytes(parts)
    return request.body


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused("too_large", f"The body is larger than {limit:,} bytes.", status_code=413)
