"""JSONPath (RFC 9535) for documents and paths that strangers write: reading stays linear in the document.

What could cost more is no part of a path here: `..`, several selectors at once, functions, and `$` or a further filter
inside of a filter. So each step looks at each value of the document at most once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment
from jsonpath.exceptions import JSONPathError
from jsonpath.filter import (
    BaseExpression,
    BooleanLiteral,
    FilterExpression,
    FloatLiteral,
    InfixExpression,
    IntegerLiteral,
    Nil,
    PrefixExpression,
    RelativeFilterQuery,
    StringLiteral,
)
from jsonpath.segments import JSONPathChildSegment, JSONPathSegment
from jsonpath.selectors import Filter, IndexSelector, NameSelector, SliceSelector, WildcardSelector

MAX_PATH_LENGTH = 200
MAX_COMPARISONS = 3
_ENVIRONMENT = JSONPathEnvironment(strict=True, filter_caching=False)
_ONE = (NameSelector, IndexSelector)
_MANY = (SliceSelector, WildcardSelector, Filter)
_LITERALS = (BooleanLiteral, FloatLiteral, IntegerLiteral, Nil, StringLiteral)


class PathInvalid(Exception):
    """A path that is not taken; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path that can be asked; `searches` if it has a step that looks at more than one value."""

    text: str
    searches: bool
    _compiled: JSONPath

    def find(self, document: Any) -> Iterator[Any]:
        """Yield the values that the path leads to, in the order of the document."""
        for match in self._compiled.finditer(document):
            yield match.obj

    def first(self, document: Any) -> Any:
        """Return the first value that is not null; `None` if there is none."""
        return next((value for value in self.find(document) if value is not None), None)


@lru_cache(maxsize=2_000)
def path_of(text: str) -> Path:
    """Return the path that `text` writes; raise `PathInvalid`."""
    if len(text) > MAX_PATH_LENGTH:
        raise PathInvalid(f"is longer than {MAX_PATH_LENGTH} characters")
    if not text.startswith("$"):
        raise PathInvalid("must begin with $, as in $.data.email")
    try:
        compiled = _ENVIRONMENT.compile(text)
    except JSONPathError as error:
        # Not the error's own words: they name the tokens of a parser.
        place = f" from character {error.token.index + 1} on" if error.token and error.token.index >= 0 else ""
        raise PathInvalid(f"is no JSONPath{place}") from None
    except (ArithmeticError, ValueError):  # numbers that are none, such as 1e999
        raise PathInvalid("is no JSONPath") from None
    if not isinstance(compiled, JSONPath):
        raise PathInvalid("must be one path")
    searching = [_searches(segment) for segment in compiled.segments]  # each of them is looked at
    return Path(text, any(searching), compiled)


def _searches(segment: JSONPathSegment) -> bool:
    if type(segment) is not JSONPathChildSegment:
        raise PathInvalid("must not use “..”: name every step")
    if len(segment.selectors) != 1:
        raise PathInvalid("must choose one thing a step: no commas inside of brackets")
    (selector,) = segment.selectors
    if isinstance(selector, Filter):
        if _comparisons(selector.expression) > MAX_COMPARISONS:
            raise PathInvalid(f"must have at most {MAX_COMPARISONS} comparisons in a filter")
    elif not isinstance(selector, _ONE + _MANY):
        raise PathInvalid("must be made of names, numbers, slices, * and filters")
    return isinstance(selector, _MANY)


def _comparisons(expression: BaseExpression) -> int:
    """Return how many tests a filter makes for each value."""
    if isinstance(expression, RelativeFilterQuery):
        steps = [selector for segment in expression.path.segments for selector in segment.selectors]
        plain = all(type(segment) is JSONPathChildSegment for segment in expression.path.segments)
        if (
            not plain
            or len(steps) != len(expression.path.segments)
            or not all(isinstance(step, _ONE) for step in steps)
        ):
            raise PathInvalid("must name single values in a filter, as in @.field.ref")
        return 1
    if isinstance(expression, _LITERALS):
        return 0
    if not isinstance(expression, FilterExpression | InfixExpression | PrefixExpression):
        raise PathInvalid("must compare values of @ in a filter, without functions and without $")
    return sum(_comparisons(child) for child in expression.children())
