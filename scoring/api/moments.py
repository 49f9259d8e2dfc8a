"""`?asOf=` and `?knownAt=`: the moment that a request looks at a lead."""

from datetime import datetime

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from ingest.api.lists import invalid_parameter
from ingest.core.events import parse_moment
from scoring.past import Moment

MOMENT_PARAMETERS = [
    OpenApiParameter(
        "asOf",
        datetime,
        description="As it was when only what happened by then had happened; ahead: as it will be if nothing happens.",
    ),
    OpenApiParameter(
        "knownAt",
        datetime,
        description="As we knew it then: events received and rules published by then. Not ahead.",
    ),
]


def moment_of(request: Request) -> Moment:
    """Return the moment a request asks for, now if it names none; refuse with 400."""
    now = timezone.now()
    known_at = _time(request, "knownAt")
    if known_at is not None and known_at > now:
        raise invalid_parameter("knownAt", "lies ahead: what will be known then, nobody knows")
    return Moment(now=now, as_of=_time(request, "asOf"), known_at=known_at)


def _time(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse_moment(text[:11] + text[11:].replace(" ", "+"))  # an unescaped + arrives as a space
    except ValueError as error:
        raise invalid_parameter(name, str(error)) from None
