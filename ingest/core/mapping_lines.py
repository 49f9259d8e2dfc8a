"""A mapping as people type it: one thing a line, in a box for each part. Reading what was written gives it back."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ingest.core.events import Problem, Refused
from ingest.core.paths import PathInvalid, path_of

_COMPARISON = re.compile(r"\s+(!?=)(?:\s+|$)")


def lines_of(text: str) -> list[str]:
    """Return the lines that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def write_values(values: str | Iterable[str] | None) -> str:
    """Return alternatives, one a line."""
    return "\n".join([values] if isinstance(values, str) else values or [])


def read_named(text: str, *, pointer: str) -> dict[str, list[str]]:
    """Return what lines such as `plan = $.data.plan` say; a name that comes again adds an alternative."""
    named: dict[str, list[str]] = {}
    for name, value in _pairs(text, pointer=pointer):
        named.setdefault(name, []).append(value)
    return named


def write_named(named: Mapping[str, str | list[str]]) -> str:
    """Return the lines that `read_named` reads."""
    return "\n".join(
        f"{name} = {value}"
        for name, values in named.items()
        for value in ([values] if isinstance(values, str) else values)
    )


def read_types(text: str, *, pointer: str) -> dict[str, str]:
    """Return what lines such as `checkout.session.completed = purchase` say."""
    return dict(_pairs(text, pointer=pointer))


def read_conditions(text: str, *, pointer: str) -> list[dict[str, Any]]:
    """Return what lines such as `$.type = a, b`, `$.status != canceled` or `$.email` say."""
    return [_condition(line, pointer=f"{pointer}/{index}") for index, line in enumerate(lines_of(text))]


def write_conditions(conditions: Iterable[Mapping[str, Any]]) -> str:
    """Return the lines that `read_conditions` reads."""
    written = []
    for condition in conditions:
        line = condition["path"]
        if condition.get("in") is not None:
            line += f" = {', '.join(condition['in'])}"
        elif condition.get("notIn") is not None:
            line += f" != {', '.join(condition['notIn'])}"
        written.append(line)
    return "\n".join(written)


def _pairs(text: str, *, pointer: str) -> Iterable[tuple[str, str]]:
    for line in lines_of(text):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals and value):
            raise Refused("invalid", (Problem(pointer=pointer, detail=f"has a line that is not “name = …”: {line}"),))
        yield name, value


def _condition(line: str, *, pointer: str) -> dict[str, Any]:
    """Return what a line says. A path may have a `=` in it, so the first one after a whole path counts."""
    for found in _COMPARISON.finditer(line):
        path = line[: found.start()]
        try:
            path_of(path)
        except PathInvalid:
            continue
        values = [value.strip() for value in line[found.end() :].split(",") if value.strip()]
        if not values:
            raise Refused("invalid", (Problem(pointer=pointer, detail=f"compares with nothing: {line}"),))
        return {"path": path, ("in" if found[1] == "=" else "notIn"): values}
    return {"path": line}
