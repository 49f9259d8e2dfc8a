"""What every list of the API has in common: `?limit=`, `?cursor=`, and the links to the neighbouring pages."""

from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from ingest.api.errors import RequestRefused
from ingest.core.events import Problem
from ingest.pages import DEFAULT_LIMIT, MAX_LIMIT, CursorInvalid, Page

T = TypeVar("T")

MAX_TEXT = 300  # longer than any name, address or type; SQLite refuses to look for a text of many thousands


def limit_of(request: Request) -> int:
    """Return how many rows a request asks for: `?limit=`, by default 50, at most 200."""
    text = request.query_params.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise invalid_parameter("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return min(int(text), MAX_LIMIT)


def choice_of(request: Request, name: str, choices: tuple[str, ...], default: str) -> str:
    """Return a query parameter that must be one of `choices`."""
    value = request.query_params.get(name, default)
    if value not in choices:
        raise invalid_parameter(name, f"must be one of {', '.join(choices)}")
    return value


def truth_of(request: Request, name: str) -> bool | None:
    """Return a query parameter that must be `true` or `false`; `None` if there is none."""
    text = request.query_params.get(name)
    if text not in (None, "true", "false"):
        raise invalid_parameter(name, "must be true or false")
    return None if text is None else text == "true"


def text_of(request: Request, name: str) -> str | None:
    """Return a query parameter that rows are compared with; NUL characters, which no column holds, are left out."""
    text = request.query_params.get(name)
    if text is not None and len(text) > MAX_TEXT:
        raise invalid_parameter(name, f"must be at most {MAX_TEXT} characters long")
    return text.replace("\x00", "") if text else text


def invalid_parameter(name: str, detail: str) -> RequestRefused:
    """Return the answer to a query parameter that cannot be used."""
    return RequestRefused("invalid", f"?{name}= {detail}", problems=[Problem(pointer=f"/{name}", detail=detail)])


def list_response(
    request: Request, page: Callable[[str | None, int], Page[T]], represent: Callable[[T], dict[str, Any]]
) -> Response:
    """Return the page a request asks for as `{"next", "previous", "results"}`."""
    try:
        found = page(request.query_params.get("cursor"), limit_of(request))
    except CursorInvalid:
        raise invalid_parameter("cursor", "is not a cursor of this list") from None
    return Response(
        {
            "next": _link(request, found.next),
            "previous": _link(request, found.previous),
            "results": [represent(row) for row in found.rows],
        }
    )


def _link(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    link: str = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
    return link
