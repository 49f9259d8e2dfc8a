"""A condition in a form: rows of field, operator and value, and groups of such rows.

Works without JavaScript: a few empty rows are always there, and what is left empty says nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from scoring.core.condition_rows import (
    OPERATORS,
    WITHOUT_VALUE,
    Closed,
    Group,
    Kept,
    Mode,
    Row,
    Rows,
    close_condition,
    is_blank,
    open_condition,
)
from scoring.core.mistakes import MAX_NODES

Place = tuple[int | None, int]
SPARE_ROWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedGroup:
    """A group as it was sent; kept parts are named by their digests."""

    mode: str = "all"
    negated: bool = False
    rows: tuple[Row, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A condition as it was sent; `complete` unless the parts of its rows do not fit together."""

    top: PostedGroup = PostedGroup()
    groups: tuple[PostedGroup, ...] = ()
    complete: bool = True


class ConditionWidget(forms.Widget):
    """Draws and reads the rows. `problems` says what is wrong in which row."""

    template_name = "scoring/widgets/condition.html"

    def __init__(self) -> None:
        super().__init__()
        self.suggested: list[tuple[str, str]] = []
        self.problems: dict[Place, list[str]] = {}
        self.stored: dict[str, Any] | None = None

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Posted:
        def read(part: str) -> list[str]:
            values = data.getlist(f"{name}-{part}") if hasattr(data, "getlist") else data.get(f"{name}-{part}", [])
            return list(values)

        columns = [read(part) for part in ("row-group", "row-not", "row-field", "row-op", "row-value")]
        kept = list(zip(read("kept-group"), read("kept"), read("kept-do"), strict=False))
        groups = list(zip(read("group"), read("group-not"), read("group-mode"), strict=False))
        complete = len({len(column) for column in columns}) == 1 and len(columns[0]) <= 2 * MAX_NODES
        rows = [
            (group, Row(negated=negated == "not", field=path, op=op, value=value.replace("\r\n", "\n")))
            for group, negated, path, op, value in zip(*columns, strict=False)
        ]

        def gather(key: str, mode: str, negated: str = "") -> PostedGroup:
            return PostedGroup(
                mode=mode,
                negated=negated == "not",
                rows=tuple(row for group, row in rows if group == key),
                kept=tuple(digest for group, digest, do in kept if group == key and do != "drop"),
            )

        return Posted(
            top=gather("", (read("mode") or ["all"])[0]),
            groups=tuple(gather(key, mode, negated) for key, negated, mode in groups[:MAX_NODES] if key),
            complete=complete,
        )

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-mode" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        posted = value if isinstance(value, Posted) else posted_of(open_condition(value))
        known = {part.digest: part for part in _all_kept(open_condition(self.stored))}
        context = super().get_context(name, None, attrs)
        context["widget"] |= {
            "mode": posted.top.mode,
            "top": self._group(None, posted.top, known),
            "groups": [
                self._group(index, group, known) | {"key": f"g{index}"} for index, group in enumerate(posted.groups)
            ],
            "blank": {"row": Row(field=""), "errors": []},
            "spare": range(SPARE_ROWS),
            "operators": list(OPERATORS.items()),
            "without_value": " ".join(sorted(WITHOUT_VALUE)),
            "fields": self.suggested,
            "list_id": f"{name}-fields",
        }
        return context

    def _group(self, index: int | None, group: PostedGroup, known: Mapping[str, Kept]) -> dict[str, Any]:
        rows = [
            {"row": row, "lines": row.value.count("\n") + 1, "errors": self.problems.get((index, number), [])}
            for number, row in enumerate(group.rows)
            if not is_blank(row)
        ]
        kept = [known[digest] for digest in group.kept if digest in known]
        return {"mode": group.mode, "negated": group.negated, "rows": rows, "kept": kept}


def posted_of(rows: Rows) -> Posted:
    """Return how a condition is sent when nobody changes it."""

    def post(group: Group) -> PostedGroup:
        return PostedGroup(
            mode=group.mode,
            negated=group.negated,
            rows=group.rows,
            kept=tuple(part.digest for part in group.kept),
        )

    return Posted(
        top=post(Group(mode=rows.mode, rows=rows.rows, kept=rows.kept)), groups=tuple(post(g) for g in rows.groups)
    )


def _all_kept(rows: Rows) -> Iterable[Kept]:
    yield from rows.kept
    for group in rows.groups:
        yield from group.kept


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What was understood of a posted condition."""

    closed: Closed
    problems: dict[Place, list[str]] = field(default_factory=dict)


class ConditionField(forms.Field):
    """A condition, as a ruleset file has it; `stored` is the one that is being changed."""

    widget = ConditionWidget

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.closed = Closed(tree=None, places={})

    @property
    def drawn(self) -> ConditionWidget:
        """Return the field's widget as what it is."""
        return cast("ConditionWidget", self.widget)

    def store(self, tree: dict[str, Any] | None) -> None:
        """Say which condition is being changed."""
        self.drawn.stored = tree
        self.drawn.problems = {}  # the widget is copied shallowly from form to form

    def clean(self, value: Posted) -> dict[str, Any] | None:
        if not value.complete:
            raise ValidationError("The condition arrived incomplete. Please send it again.")
        stored = self.drawn.stored
        opened = open_condition(stored)
        if _without_blanks(value) == _without_blanks(posted_of(opened)):
            self.closed = replace(close_condition(opened), tree=stored)
            return stored
        rows = self._rows(value, {part.digest: part for part in _all_kept(opened)})
        self._refuse_half_rows(rows)
        self.closed = close_condition(rows)
        return self.closed.tree

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not isinstance(data, Posted) or _without_blanks(data) != _without_blanks(
            posted_of(open_condition(initial))
        )

    def _rows(self, posted: Posted, known: Mapping[str, Kept]) -> Rows:
        if any(digest not in known for group in (posted.top, *posted.groups) for digest in group.kept):
            raise ValidationError("Somebody else has changed this condition meanwhile. Open the rule again.")
        return Rows(
            mode=_mode(posted.top.mode),
            rows=posted.top.rows,
            kept=tuple(known[digest] for digest in posted.top.kept),
            groups=tuple(
                Group(
                    mode=_mode(group.mode),
                    negated=group.negated,
                    rows=group.rows,
                    kept=tuple(known[digest] for digest in group.kept),
                )
                for group in posted.groups
            ),
        )

    def _refuse_half_rows(self, rows: Rows) -> None:
        for index, group_rows in [(None, rows.rows), *((i, group.rows) for i, group in enumerate(rows.groups))]:
            for number, row in enumerate(group_rows):
                if is_blank(row):
                    continue
                if not row.field.strip():
                    self.drawn.problems[index, number] = ["Say which field, such as properties.path."]
                elif row.op not in OPERATORS:
                    self.drawn.problems[index, number] = ["Choose how to compare."]
                elif row.op not in WITHOUT_VALUE and not row.value.strip():
                    self.drawn.problems[index, number] = ["Say with which value to compare."]
        if self.drawn.problems:
            raise ValidationError("Please correct the marked conditions.")

    def mark(self, mistakes: Sequence[tuple[str, str]]) -> list[str]:
        """Mark rows with mistakes, given by pointers into the condition; return those that belong to no row."""
        homeless = []
        for pointer, words in mistakes:
            place = next((where for at, where in self.closed.places.items() if _within(pointer, at)), None)
            if place is None:
                homeless.append(words)
            else:
                self.drawn.problems.setdefault(place, []).append(words)
        return homeless


def _within(pointer: str, place: str) -> bool:
    return pointer == place or pointer.startswith(f"{place}/")


def _mode(text: str) -> Mode:
    return "any" if text == "any" else "all"


def _without_blanks(posted: Posted) -> Posted:
    """Leave out what says nothing: empty rows and groups, and values that an operator does not take."""

    def clean(group: PostedGroup) -> PostedGroup:
        rows = tuple(
            replace(row, field=row.field.strip(), value="" if row.op in WITHOUT_VALUE else row.value.strip())
            for row in group.rows
            if not is_blank(row)
        )
        return replace(group, rows=rows)

    groups = [clean(group) for group in posted.groups]
    return Posted(top=clean(posted.top), groups=tuple(group for group in groups if group.rows or group.kept))
