"""JSON values that strangers send: how deep, how large, and which of them no database takes."""

import math
from dataclasses import dataclass
from typing import Any

MAX_INTEGER = 2**63


@dataclass(eq=False)
class TreeRefused(Exception):
    """A value that is not taken, with the JSON pointer to it relative to the tree's root."""

    pointer: str
    detail: str


def clean_tree(tree: dict[str, Any], *, max_depth: int) -> dict[str, Any]:
    """Return the object without NUL characters, which PostgreSQL cannot store.

    Objects and arrays both count as a level. Raises `TreeRefused` for one nested deeper than `max_depth` levels and
    for numbers that are not finite or as large as no 64-bit integer is: PostgreSQL gives such a float back as an
    integer, which not every JSON writer can write.
    """
    return {_text(key): _clean(value, f"/{escaped(key)}", max_depth - 1) for key, value in tree.items()}


def _clean(value: Any, pointer: str, levels_left: int) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | list) and levels_left == 0:
        raise TreeRefused(pointer, "is nested too deeply")
    if isinstance(value, dict):
        return {_text(key): _clean(item, f"{pointer}/{escaped(key)}", levels_left - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, f"{pointer}/{index}", levels_left - 1) for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise TreeRefused(pointer, "must be a finite number")
    if isinstance(value, int | float) and not -MAX_INTEGER <= value < MAX_INTEGER:
        raise TreeRefused(pointer, "must be a number of at most 64 bits")
    return value


def _text(value: str) -> str:
    return value.replace("\x00", "") if "\x00" in value else value


def escaped(key: str) -> str:
    """Return a key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
