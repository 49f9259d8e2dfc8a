"""Whether this process is up (`/healthz`) and whether the system can do its work (`/readyz`), a line per part."""

from collections.abc import Callable
from http import HTTPStatus

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from leadscore import broker, heartbeat

OK = "ok"
SECONDS_TO_ANSWER = 2


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process can answer at all; it asks nothing of anybody else."""
    return JsonResponse({"status": OK})


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if every part works, else 503; each part says `ok` or what is wrong."""
    parts = {name: check() for name, check in CHECKS.items()}
    ready = all(answer == OK for answer in parts.values())
    return JsonResponse(
        {"status": OK if ready else "not ready", **parts},
        status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
        json_dumps_params={"indent": 1},
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database does not answer."
    return OK


def _broker() -> str:
    trouble = broker.trouble(settings.CELERY_BROKER_URL, seconds=SECONDS_TO_ANSWER)
    return "The broker does not answer." if trouble else OK


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "Unknown: the database does not answer."
    return OK if not missing else f"{len(missing)} migrations are not applied: run manage.py migrate."


def _beat() -> str:
    try:
        age = heartbeat.age()
    except redis.RedisError:
        return "Unknown: Redis does not answer."
    if age is None:
        return "Beat has not been heard of: is it running?"
    return OK if age < heartbeat.SECONDS_FRESH else f"Beat was last heard of {age:.0f} seconds ago."


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "broker": _broker,
    "migrations": _migrations,
    "beat": _beat,
}
