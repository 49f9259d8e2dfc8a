"""A whole project as JSON Lines, as it was at one moment: what every app tells of its own, a line an object.

The format is documented in docs/reference/export.md.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from automation.export import automations_told, runs_told
from ingest import database
from ingest.export import Line, ingestion_told, people_named
from ingest.models import User
from scoring.core.points import to_number
from scoring.export import publishers_of, rules_told, scores_told

FORMAT = 1
PART_LINES = 500


def export_lines(project_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """Yield a project's export in parts of many lines. The last line says how many there are.

    All of it is read in one snapshot, which lasts as long as the reader takes; memory does not grow with the project.
    """
    with database.snapshot():
        part: list[bytes] = []
        count = 0
        for line in _lines(project_id, now=now):
            part.append(_text(line))
            count += 1
            if len(part) == PART_LINES:
                yield b"".join(part)
                part.clear()
        yield b"".join([*part, _text({"type": "end", "lines": count + 1})])


def _lines(project_id: UUID, *, now: datetime) -> Iterator[Line]:
    yield {"type": "export", "format": FORMAT, "projectId": project_id, "exportedAt": now}
    people = people_named(project_id)
    missing = publishers_of(project_id) - people.keys()
    people |= dict(User.objects.filter(pk__in=missing).values_list("pk", "username")) if missing else {}

    def name_of(user_id: UUID | None) -> str | None:
        return None if user_id is None else people.get(user_id)

    yield from ingestion_told(project_id, name_of)
    yield from rules_told(project_id, name_of)
    yield from scores_told(project_id)
    yield from automations_told(project_id)
    yield from runs_told(project_id)


def _text(line: Line) -> bytes:
    try:
        return orjson.dumps(line, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a whole number beyond 64 bits or half a surrogate pair, both of which JSON itself allows
        return json.dumps(line, default=_plain, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return to_number(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
