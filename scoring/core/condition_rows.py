"""Conditions as rows that people edit: field, operator in words, value; one level of groups.

What rows cannot show (deeper levels, values that cannot be typed) is kept as it is and told in words.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from scoring.core.typed import read_text, read_value, write_text, write_value

Mode = Literal["all", "any"]
Tree = Mapping[str, Any]

OPERATORS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "contains": "contains",
    "starts_with": "starts with",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "true": "is true",
    "false": "is false",
    "exists": "is known",
    "missing": "is not known",
    "matches": "matches the pattern",
}
"""The operators as people choose them, which are those of a file but for true, false, exists and missing."""
_WITHOUT_VALUE: Mapping[str, dict[str, Any]] = {
    "true": {"op": "eq", "value": True},
    "false": {"op": "eq", "value": False},
    "exists": {"op": "exists"},
    "missing": {"op": "exists", "value": False},
}
WITHOUT_VALUE = frozenset(_WITHOUT_VALUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison as it is typed."""

    field: str
    op: str = "eq"
    value: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A part of a condition that rows cannot show."""

    json: str

    @classmethod
    def of(cls, tree: Tree) -> "Kept":
        """Return a part as it is kept."""
        return cls(json=json.dumps(tree, sort_keys=True))

    @property
    def tree(self) -> dict[str, Any]:
        """Return the part as a ruleset file has it."""
        return cast("dict[str, Any]", json.loads(self.json))

    @property
    def digest(self) -> str:
        """Return a short name by which a form refers to the part."""
        return hashlib.sha256(self.json.encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        """Return the part in words."""
        return condition_in_words(self.tree)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of which all or any must hold."""

    mode: Mode
    rows: tuple[Row, ...] = ()
    kept: tuple[Kept, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A whole condition: rows, groups of rows, and what is kept."""

    mode: Mode = "all"
    rows: tuple[Row, ...] = ()
    kept: tuple[Kept, ...] = ()
    groups: tuple[Group, ...] = ()


def open_condition(tree: Tree | None) -> Rows:
    """Return a condition as rows; all of it is there, as rows or kept."""
    if tree is None:
        return Rows()
    mode, parts = _parts(tree) or ("all", [tree])
    rows, kept, groups = [], [], []
    for part in parts:
        found = _open_row(part) or _open_group(part) or Kept.of(part)
        if isinstance(found, Row):
            rows.append(found)
        elif isinstance(found, Group):
            groups.append(found)
        else:
            kept.append(found)
    return Rows(mode=mode, rows=tuple(rows), kept=tuple(kept), groups=tuple(groups))


def _parts(tree: Tree) -> tuple[Mode, Sequence[Tree]] | None:
    if "all" in tree:
        return "all", tree["all"]
    return ("any", tree["any"]) if "any" in tree else None


def _open_group(tree: Tree) -> Group | None:
    negated = "not" in tree
    found = _parts(tree["not"] if negated else tree)
    if found is None:
        return None
    mode, parts = found
    opened = [_open_row(part) or Kept.of(part) for part in parts]
    return Group(
        mode=mode,
        negated=negated,
        rows=tuple(part for part in opened if isinstance(part, Row)),
        kept=tuple(part for part in opened if isinstance(part, Kept)),
    )


def _open_row(tree: Tree) -> Row | None:
    negated = "not" in tree
    comparison = tree["not"] if negated else tree
    if "field" not in comparison:
        return None
    op, typed = _typed(comparison["op"], comparison.get("value"))
    if typed is None:
        return None
    row = Row(field=comparison["field"], op=op, value=typed, negated=negated)
    return row if _plain(close_row(row)) == _plain(tree) else None


def _typed(op: str, value: Any) -> tuple[str, str | None]:
    if op == "exists":
        return ("missing" if value is False else "exists"), ""
    if op == "eq" and isinstance(value, bool):
        return ("true" if value else "false"), ""
    if isinstance(value, list | tuple):
        lines = [write_text(item) if op == "starts_with" else write_value(item) for item in value]
        return op, None if None in lines else "\n".join(cast("list[str]", lines))
    if op in {"contains", "starts_with", "matches"}:
        return op, write_text(value) if isinstance(value, str) else None
    return op, write_value(value)


def _plain(tree: Tree) -> str:
    """Return a row's tree so that what means the same is the same."""
    text = json.dumps(tree, sort_keys=True)
    return text.replace('"op": "exists", "value": true', '"op": "exists"')


def close_row(row: Row) -> dict[str, Any]:
    """Return a row as a ruleset file has it."""
    tree: dict[str, Any] = {"field": row.field.strip()}
    if row.op in WITHOUT_VALUE:
        tree |= _WITHOUT_VALUE[row.op]
    else:
        tree |= {"op": row.op, "value": _value(row.op, row.value)}
    return {"not": tree} if row.negated else tree


def _value(op: str, typed: str) -> Any:
    lines = [line for line in typed.splitlines() if line.strip()]
    if op == "in":
        return [read_value(line) for line in lines]
    if op == "starts_with" and len(lines) > 1:
        return [read_text(line) for line in lines]
    if op in {"contains", "starts_with", "matches"}:
        return read_text(typed)
    return read_value(typed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A condition as a ruleset file has it, and where each row stands in it: pointer → (group or None, row)."""

    tree: dict[str, Any] | None
    places: Mapping[str, tuple[int | None, int]]


def close_condition(rows: Rows) -> Closed:
    """Return what rows say; rows without field and value say nothing."""
    places: dict[str, tuple[int | None, int]] = {}
    items: list[tuple[dict[str, Any], dict[str, tuple[int | None, int]]]] = [
        (close_row(row), {"": (None, index)}) for index, row in enumerate(rows.rows) if not is_blank(row)
    ]
    items += [(kept.tree, {}) for kept in rows.kept]
    for index, group in enumerate(rows.groups):
        inner = [(close_row(row), number) for number, row in enumerate(group.rows) if not is_blank(row)]
        parts = [tree for tree, _ in inner] + [kept.tree for kept in group.kept]
        if not parts:
            continue
        alone = len(parts) == 1
        tree: dict[str, Any] = parts[0] if alone else {group.mode: parts}
        lead = "/not" if group.negated else ""
        inner_places: dict[str, tuple[int | None, int]] = {
            lead + ("" if alone else f"/{group.mode}/{place}"): (index, number)
            for place, (_, number) in enumerate(inner)
        }
        items.append(({"not": tree} if group.negated else tree, inner_places))
    alone = len(items) == 1
    for place, (_, inner_places) in enumerate(items):
        lead = "" if alone else f"/{rows.mode}/{place}"
        places |= {lead + pointer: where for pointer, where in inner_places.items()}
    if not items:
        return Closed(tree=None, places={})
    return Closed(tree=items[0][0] if alone else {rows.mode: [tree for tree, _ in items]}, places=places)


def is_blank(row: Row) -> bool:
    """Return whether a row was left empty."""
    return not row.field.strip() and not row.value.strip()


def condition_in_words(tree: Tree) -> str:
    """Return a condition as people say it."""
    if "not" in tree:
        return f"not ({condition_in_words(tree['not'])})"
    found = _parts(tree)
    if found is not None:
        mode, parts = found
        said = [f"({condition_in_words(part)})" if _parts(part) else condition_in_words(part) for part in parts]
        return (" and " if mode == "all" else " or ").join(said)
    op, value = tree["op"], tree.get("value")
    if op == "exists":
        return f"{tree['field']} {OPERATORS['missing' if value is False else 'exists']}"
    values = value if isinstance(value, list | tuple) else [value]
    told = " or ".join(
        f"“{item}”" if isinstance(item, str) else str(item).lower() if isinstance(item, bool) else str(item)
        for item in values
    )
    return f"{tree['field']} {OPERATORS.get(op, op)} {told}"
