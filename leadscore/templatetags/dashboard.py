"""How the pages write points and times."""

import json
from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86_400


@register.filter
def points(value: Decimal | int | None) -> str:
    """Return points without needless zeros and with a real minus: 75, 12.5, −20."""
    if value is None:
        return "–"
    return f"{Decimal(value):,.2f}".rstrip("0").rstrip(".").replace("-", "−")


@register.filter
def signed(value: Decimal | float | str | None) -> str:
    """Return points with their sign, as numbers or as JSON keeps them: +15, −20, ±0."""
    if value is None:
        return "–"
    value = Decimal(str(value))
    if not value:
        return "±0"
    return ("+" if value > 0 else "") + points(value)


@register.filter
def direction(value: Decimal | int | None) -> str:
    """Return the class that colours a change: `up`, `down`, or `soft` when nothing moved."""
    if not value:
        return "soft"
    return "up" if value > 0 else "down"


@register.filter
def words(value: str) -> str:
    """Return an identifier as words: `demo_request` becomes “demo request”."""
    return value.replace("_", " ")


@register.filter
def plainly(value: object) -> str:
    """Return a trait's value as people read it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def lasted(seconds: int) -> str:
    """Return how long something took: “a moment”, “12 min”, “3 h 20 min”, “2 d 3 h”."""
    if seconds < MINUTE:
        return "a moment"
    for unit, length, below, part in (("d", DAY, "h", HOUR), ("h", HOUR, "min", MINUTE)):
        if seconds >= length:
            rest = seconds % length // part
            return f"{seconds // length} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{seconds // MINUTE} min"


def in_words(at: datetime, *, now: datetime) -> str:
    """Return how long ago (or ahead) a moment is, as the browser script keeps writing it."""
    seconds = int((now - at).total_seconds())
    ahead, seconds = seconds < 0, abs(seconds)
    if seconds < 45:
        return "just now"
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= length:
            amount = f"{seconds // length} {unit}"
            return f"in {amount}" if ahead else f"{amount} ago"
    return "in 1 min" if ahead else "1 min ago"


@register.simple_tag
def ago(at: datetime | None) -> SafeString | str:
    """Return a moment as a relative time with the absolute one, in the project's time zone, on hover."""
    if at is None:
        return "never"
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        at.isoformat(timespec="seconds"),
        f"{local:%a %-d %b %Y, %H:%M:%S %Z}",
        in_words(at, now=timezone.now()),
    )
