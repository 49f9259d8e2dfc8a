"""Values as people type them: 15 is a number, "15" in quotes is text, anything else is text as it stands."""

from typing import Any

from scoring.core.conditions import to_number


def read_text(typed: str) -> str:
    """Return the text somebody typed; quotes around it keep spaces at its ends."""
    text = typed.strip()
    return text[1:-1] if _quoted(text) else text


def read_value(typed: str, *, flags: bool = False) -> Any:
    """Return the number or text somebody typed; with `flags`, true and false are what they say."""
    text = typed.strip()
    if flags and text in {"true", "false"}:
        return text == "true"
    number = to_number(text)
    return read_text(text) if number is None else number


def write_text(text: str) -> str | None:
    """Return how text is typed so that `read_text` returns it, None when it cannot be typed in one line."""
    if "\n" in text or "\r" in text:
        return None
    return text if text and text == text.strip() and not _quoted(text) else f'"{text}"'


def write_value(value: Any, *, flags: bool = False) -> str | None:
    """Return how a value is typed so that `read_value` returns it, None when it cannot be typed."""
    if isinstance(value, bool):
        typed = "true" if value else "false"
    elif isinstance(value, int | float):
        typed = repr(value)
    elif isinstance(value, str):
        written = write_text(value)
        if written is None:
            return None
        typed = written if _same(read_value(written, flags=flags), value) else f'"{value}"'
    else:
        return None
    return typed if _same(read_value(typed, flags=flags), value) else None


def _quoted(text: str) -> bool:
    return len(text) >= 2 and text[0] == text[-1] == '"'


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
