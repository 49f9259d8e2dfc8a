"""Messages with named placeholders such as {lead}: all the templating there is, so nothing else is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

_CALL = re.compile(r"(?<!\w)@(?=\w)")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageValues:
    """What a message may speak of."""

    lead: str
    email: str
    company: str
    owner: str
    stage: str
    old_stage: str
    score: str
    event: str
    project: str
    url: str

    def as_mapping(self) -> dict[str, str]:
        """Return the values by placeholder name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


NAMES = tuple(field.name for field in fields(MessageValues))


def unknown_placeholders(template: str) -> list[str]:
    """Return the placeholders of the template that do not exist, as written between the braces."""
    return sorted({name for name in _PLACEHOLDER.findall(template) if name not in NAMES})


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its placeholders replaced, once: braces inside a value stay as they are."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def one_line(text: str, *, limit: int = 200) -> str:
    """Return the text as one line without control characters, fit for a header."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def escape_mrkdwn(text: str) -> str:
    """Return the text so that a chat shows it literally: no links, nobody called, no line of its own.

    Slack has three escapes. Mattermost and Discord call people by a bare `@channel`, which an invisible character
    (U+2060, word joiner) keeps from being one; an `@` inside of a word, as in an e-mail address, calls nobody.
    """
    text = _CALL.sub("@\N{WORD JOINER}", one_line(text, limit=len(text)))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
