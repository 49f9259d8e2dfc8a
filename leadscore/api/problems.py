"""The one shape of every error of the API: problem details (RFC 9457)."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ingest.api.errors import RequestRefused

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None, **extra: Any
) -> dict[str, Any]:
    """Return a problem document. `message` repeats `detail` because several published clients look for it."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "message": detail,
        "errors": errors or [],
        **extra,
    }


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into an answer; anything unexpected stays an exception, and is logged as one."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    extra: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    if isinstance(error, RequestRefused):
        extra = dict(error.extra)
        headers |= extra.pop("headers", {})
        errors = [{"pointer": found.pointer, "detail": found.detail} for found in error.problems]
    else:
        errors = list(_validation_errors(error))
    code = error.get_codes()
    document = problem(
        error.status_code,
        code if isinstance(code, str) else "invalid",
        str(error.detail) if not errors or isinstance(error, RequestRefused) else "The request is not valid.",
        errors,
        **extra,
    )
    return Response(document, status=error.status_code, headers=headers, content_type=CONTENT_TYPE)


def _validation_errors(error: exceptions.APIException) -> Iterator[dict[str, str]]:
    if isinstance(error, exceptions.ValidationError) and isinstance(error.detail, dict):
        for name, details in error.detail.items():
            yield {"pointer": f"/{name}", "detail": " ".join(str(detail) for detail in details)}


@csrf_exempt
def no_such_route(request: HttpRequest, *_: object, **__: object) -> JsonResponse:
    """Answer a path of the API that does not exist."""
    return problem_response(404, "not_found", f"There is no {request.method} {request.path}. See /api/docs.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refuses before a view sees it (a host that is not ours, too many parameters)."""
    if not _of_the_api(request):
        return defaults.bad_request(request, exception)
    return problem_response(400, "bad_request", "The request cannot be read: its host or its parameters are not valid.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that we failed at; what happened stands in the log."""
    if not _of_the_api(request):
        return defaults.server_error(request)
    return problem_response(500, "server_error", "Something went wrong on our side. It is safe to send the same again.")


def _of_the_api(request: HttpRequest) -> bool:
    return request.path.startswith(("/api", "/v1", "/beacon", "/sourceConfig"))


def problem_response(status: int, code: str, detail: str) -> JsonResponse:
    """Return an error answer outside of any API view."""
    return JsonResponse(problem(status, code, detail), status=status, content_type=CONTENT_TYPE)
