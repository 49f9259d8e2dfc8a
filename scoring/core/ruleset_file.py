"""A ruleset as a YAML file: read with the line of every mistake, written so that people like to read it.

Only what JSON has is read: no tags, anchors, dates or YAML 1.1's yes and no, so a file means what the API's JSON means.
"""

import json
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scoring.core.mistakes import MAX_TREE_DEPTH, RulesetInvalid, pointer_to
from scoring.core.ruleset import parse_ruleset
from scoring.core.schema import RulesetSpec

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMistake:
    """What is wrong at a line of a file, counted from 1; `pointer` says where in the ruleset, "" when nowhere."""

    line: int
    detail: str
    pointer: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.pointer} {self.detail}" if self.pointer else f"line {self.line}: {self.detail}"


class FileInvalid(ValueError):
    """A file that holds no usable ruleset; `mistakes` are in the order of their lines."""

    def __init__(self, mistakes: list[LineMistake]) -> None:
        super().__init__("; ".join(str(mistake) for mistake in mistakes[:5]))
        self.mistakes = mistakes


class _Loader(yaml.SafeLoader):
    """A loader that only composes nodes, of the plain JSON types, and not too deep."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FileInvalid([_at(event.start_mark, "anchors and aliases are not used in ruleset files")])
        self.depth += 1
        if self.depth > MAX_TREE_DEPTH:
            raise FileInvalid([_at(event.start_mark, "is nested too deeply")])
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """A dumper that puts short maps and lists on one line, and lists inside maps one step in."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        super().increase_indent(flow, False)  # noqa: FBT003

    def ignore_aliases(self, data: Any) -> bool:
        return True


# What YAML 1.2 (and JSON) take for something other than text. The dumper keeps YAML 1.1's as well, so that it quotes
# `no`; but not its dates, which are plain text here.
_SCALARS: dict[str, tuple[re.Pattern[str], str]] = {
    "tag:yaml.org,2002:null": (re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN\0"),
    "tag:yaml.org,2002:bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    "tag:yaml.org,2002:int": (re.compile(r"^[-+]?[0-9]+$"), "-+0123456789"),
    "tag:yaml.org,2002:float": (
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        "-+.0123456789",
    ),
}
_Loader.yaml_implicit_resolvers = {}
_Dumper.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
}
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_tag, _pattern, ["" if first == "\0" else first for first in _first])
    _Dumper.add_implicit_resolver(_tag, _pattern, ["" if first == "\0" else first for first in _first])


def _at(mark: Any, detail: str) -> LineMistake:
    return LineMistake(line=mark.line + 1, detail=detail)


def read_ruleset(text: str) -> RulesetSpec:
    """Return the ruleset a file holds; FileInvalid with the line of every mistake otherwise."""
    tree, lines = _read(text)
    try:
        return parse_ruleset(tree)
    except RulesetInvalid as invalid:
        mistakes = [
            LineMistake(line=_line_of(pointer, lines), detail=detail, pointer=pointer)
            for pointer, detail in invalid.errors
        ]
        raise FileInvalid(sorted(mistakes, key=lambda mistake: mistake.line)) from invalid


def _line_of(pointer: str, lines: Mapping[str, int]) -> int:
    """Return the line of a place, or of the nearest place around it that the file has."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


def _read(text: str) -> tuple[Any, dict[str, int]]:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise FileInvalid([LineMistake(line=1, detail=f"the file is larger than {MAX_BYTES // 1024 // 1024} MB")])
    lines: dict[str, int] = {}
    try:
        node = _Loader(text).get_single_node()
        return (None if node is None else _value(node, (), lines)), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise FileInvalid([LineMistake(line=line, detail=f"is not YAML: {error.problem or error.context}")]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FileInvalid([LineMistake(line=line, detail="holds a character that YAML does not allow")]) from error


def _value(node: Node, steps: tuple[str | int, ...], lines: dict[str, int]) -> Any:
    lines.setdefault(pointer_to(*steps), node.start_mark.line + 1)
    if isinstance(node, SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_value(child, (*steps, index), lines) for index, child in enumerate(node.value)]
    if isinstance(node, MappingNode) and node.tag == "tag:yaml.org,2002:map":
        return _mapping(node, steps, lines)
    if isinstance(node, ScalarNode):
        return _scalar(node)
    raise FileInvalid([_at(node.start_mark, f"the tag {node.tag} is not used in ruleset files")])


def _mapping(node: MappingNode, steps: tuple[str | int, ...], lines: dict[str, int]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key_node, child in node.value:
        key = key_node.value if isinstance(key_node, ScalarNode) else None
        if not isinstance(key, Hashable) or not isinstance(key, str):
            raise FileInvalid([_at(key_node.start_mark, "a name must be plain text")])
        if key in tree:
            raise FileInvalid([_at(key_node.start_mark, f"“{key}” is there already")])
        lines[pointer_to(*steps, key)] = key_node.start_mark.line + 1
        tree[key] = _value(child, (*steps, key), lines)
    return tree


def _scalar(node: ScalarNode) -> Any:
    kind, text = node.tag.removeprefix("tag:yaml.org,2002:"), node.value
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int" and len(text) <= 40:
        return int(text)
    if kind == "float" and len(text) <= 400:
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if kind in {"int", "float"}:
        raise FileInvalid([_at(node.start_mark, "is too long a number")])
    raise FileInvalid([_at(node.start_mark, f"the tag {node.tag} is not used in ruleset files")])


def write_ruleset(tree: Mapping[str, Any]) -> str:
    """Return a ruleset tree (see `dump_ruleset`) as the text of a file that read_ruleset reads back."""
    return yaml.dump(
        _styled(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )


class _OneLine(dict[str, Any]):
    """A map that is short enough to be written on one line."""


class _OneLineList(list[Any]):
    """A list that is short enough to be written on one line."""


_Dumper.add_representer(
    _OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)
_Dumper.add_representer(
    _OneLineList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)
_ROOMY = {"scorecards", "rules", "tests", "stages", "groups", "events"}


def _styled(node: Any, key: str = "") -> Any:
    if isinstance(node, Mapping):
        inner = {name: _styled(child, name) for name, child in node.items()}
        return _OneLine(inner) if key not in {"", "rules", "scorecards", "tests"} and _short(node) else inner
    if isinstance(node, list | tuple):
        items = [_styled(child, key) for child in node]
        return _OneLineList(items) if key not in _ROOMY and _short(node) else items
    return node


def _short(node: Any) -> bool:
    return len(json.dumps(node, ensure_ascii=False)) <= 90
