"""Request bodies, read whole but never beyond a limit."""

import zlib
from collections.abc import Iterator

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from rest_framework.request import Request

from ingest.api.errors import RequestRefused

_PART = 1024 * 1024


def body_of(request: Request, *, limit: int) -> bytes:
    """Return a request's bytes, unpacked if they are gzipped; refuse more than `limit` of them with 413."""
    body = _sent(request, limit=limit)
    match request.headers.get("Content-Encoding", "").strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _unpacked(body, limit=limit)
        case _:
            raise RequestRefused("unsupported_encoding", "Send the body as it is or as gzip.", status_code=415)


def _sent(request: Request, *, limit: int) -> bytes:
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


def _unpacked(packed: bytes, *, limit: int) -> bytes:
    """Return what a gzip file holds, without ever unpacking more than a byte beyond `limit`."""
    unpacked = bytearray()
    while packed:
        stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            unpacked += stream.decompress(packed, limit + 1 - len(unpacked))
        except zlib.error:
            raise RequestRefused("invalid_encoding", "The body is not valid gzip.") from None
        if len(unpacked) > limit:
            raise _too_large(limit)
        if not stream.eof:
            raise RequestRefused("invalid_encoding", "The gzipped body ends too early.")
        packed = stream.unused_data
    return bytes(unpacked)


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused("too_large", f"The body is larger than {limit:,} bytes.", status_code=413)


def parts_of_body(request: Request, *, limit: int) -> Iterator[bytes]:
    """Yield a request's bytes as they come; refuse more than `limit` of them with 413 if they are announced."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise RequestRefused("unsupported_encoding", "Send the file as it is, unpacked.", status_code=415)
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise _too_large(limit)
    except ValueError:
        raise RequestRefused("invalid", "The Content-Length is not a number.") from None
    chunked = "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated")
    read = request.META["wsgi.input"].read if chunked else request._request.read
    try:
        while part := read(_PART):
            yield part
    except UnreadablePostError:
        raise RequestRefused("incomplete_body", "The connection ended before the body did.") from None
