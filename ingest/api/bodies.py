"""Request bodies, read whole but never beyond a limit."""

from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from rest_framework.request import Request

from ingest.api.errors import RequestRefused


def body_of(request: Request, *, limit: int) -> bytes:
    """Return a request's bytes; refuse more than `limit` of them with 413."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise _too_large(limit)
    try:
        body: bytes = request._request.body
    except RequestDataTooBig:
        raise _too_large(limit) from None
    except UnreadablePostError:
        raise RequestRefused("incomplete_body", "The connection ended before the body did.") from None
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused("too_large", f"The body is larger than {limit:,} bytes.", status_code=413)
