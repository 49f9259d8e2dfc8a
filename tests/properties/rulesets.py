"""Random rulesets, timelines and logs: small enough to collide, wild enough to hurt."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from scoring.core.engine import ScorableEvent
from scoring.core.ruleset import compile_ruleset, parse_ruleset
from scoring.core.timeline import Timeline

START = datetime(2026, 3, 27, tzinfo=UTC)  # two days before the clocks change in Europe
TYPES = ["view", "click", "identify", "other"]
GROUPS: list[list[str]] = [[], ["G"], ["G", "H"]]
FIELDS = ["properties.a", "properties.b.c", "traits.plan", "traits.size", "context.ip"]

scalars: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "a", "ab", "12", "1.5", "x" * 40, "2026-03-28T00:00:00Z", "\ud800"]),
    st.integers(-3, 30),
    st.sampled_from([0.5, 1.5, 12.0, 1e300, float("nan"), float("inf")]),
    st.booleans(),
    st.none(),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=5,
)
days = st.integers(0, 60).map(lambda quarter: START + timedelta(hours=6 * quarter))
moments = days | st.integers(0, 15 * 86_400_000).map(lambda ms: START + timedelta(milliseconds=ms))
points = st.integers(-3000, 6000).map(lambda hundredths: hundredths / 100) | st.integers(-30, 60)


@st.composite
def comparisons(draw: st.DrawFn, fields: list[str]) -> dict[str, Any]:
    op = draw(
        st.sampled_from(["eq", "ne", "in", "contains", "starts_with", "matches", "gt", "gte", "lt", "lte", "exists"])
    )
    text, number = st.sampled_from(["a", "b", "12", "plan"]), st.integers(-3, 15)
    values: dict[str, st.SearchStrategy[Any]] = {
        "in": st.lists(text | number | st.booleans(), min_size=1, max_size=3),
        "starts_with": text | st.lists(text, min_size=1, max_size=2),
        "matches": st.sampled_from(["^a", "b+$", "[0-9]{2}", "(x|y)*z"]),
        "exists": st.booleans(),
    }
    ordered = number | st.just("2026-03-28T00:00:00Z") | st.just("1.5")
    values |= dict.fromkeys(["gt", "gte", "lt", "lte"], ordered)
    anything: st.SearchStrategy[Any] = text | number | st.booleans()
    return {"field": draw(st.sampled_from(fields)), "op": op, "value": draw(values.get(op, anything))}


def conditions(fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        comparisons(fields),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=4,
    )


@st.composite
def caps(draw: st.DrawFn) -> dict[str, Any]:
    cap: dict[str, Any] = {
        "times": draw(st.integers(1, 3)),
        "per": draw(st.sampled_from(["lead", "day", "week", "month"])),
    }
    if draw(st.booleans()):
        cap["distinct"] = draw(st.sampled_from(FIELDS))
    return cap


@st.composite
def rules(draw: st.DrawFn, name: str, basis: str, groups: list[str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": name, "points": draw(points)}
    maybe: st.SearchStrategy[bool] = st.booleans()
    if basis == "traits":
        return rule | {"when": draw(conditions(["traits.plan", "traits.size"]))}
    rule["event"] = draw(st.sampled_from([*TYPES, "*", ["view", "click"]]))
    if draw(maybe):
        rule["when"] = draw(conditions(FIELDS))
    if draw(maybe):
        rule["cap"] = draw(caps())
    if draw(maybe):
        rule["expires_after_days"] = draw(st.integers(1, 5))
    if draw(maybe) and groups:
        rule["group"] = draw(st.sampled_from(groups))
    if draw(st.integers(0, 4)) == 0:
        rule["valid_from"] = draw(days).isoformat()
    return rule


@st.composite
def scorecards(draw: st.DrawFn, name: str) -> dict[str, Any]:
    basis = draw(st.sampled_from(["events", "events", "events", "traits"]))
    floor = draw(st.sampled_from([0, 0, -50, 5, 0.25]))
    groups: list[str] = draw(st.sampled_from(GROUPS if basis == "events" else GROUPS[:1]))
    mins = draw(st.lists(st.integers(1, 90), unique=True, max_size=3))
    card: dict[str, Any] = {
        "name": name,
        "basis": basis,
        "floor": floor,
        "cap": draw(st.sampled_from([10_000, 60, 20.5])),
        "stages": [
            {"name": f"s{least}", "min": least, "hysteresis": draw(st.sampled_from([0, 0, 3]))}
            for least in [floor, *(floor + least for least in mins)]
        ],
        "groups": [{"name": group, "max": draw(st.integers(0, 40))} for group in groups],
        "rules": [draw(rules(f"R{index}", basis, groups)) for index in range(draw(st.integers(1, 4)))],
    }
    if basis == "events" and draw(st.booleans()):
        card["half_life_days"] = draw(st.sampled_from([0.5, 1, 3, 30]))
    return card


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["A", "B"]), unique=True, min_size=1, max_size=2))
    return {"scorecards": [draw(scorecards(name)) for name in names]}


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]))
    starts: list[datetime | None] = [None, *draw(st.lists(days, max_size=2))]
    return Timeline.build(
        [
            (start, compile_ruleset(parse_ruleset(draw(trees())), number=number, time_zone=zone))
            for number, start in enumerate(starts, 1)
        ]
    )


@st.composite
def events(draw: st.DrawFn, index: int) -> ScorableEvent:
    adjusts = draw(st.integers(0, 6)) == 0
    fields = st.dictionaries(st.sampled_from(["a", "b", "ip"]), json_values, max_size=3)
    traits = st.dictionaries(st.sampled_from(["plan", "size", "unused"]), json_values, max_size=2)
    return ScorableEvent(
        key=f"key-{index}",
        event_id=f"{draw(st.sampled_from(['a', 'z']))}-{index}",
        event_type="adjustment" if adjusts else draw(st.sampled_from(TYPES)),
        occurred_at=draw(moments),
        properties=draw(fields),
        traits=draw(traits),
        context=draw(fields),
        points=draw(points.map(lambda number: Decimal(str(number)))) if adjusts else None,
        scorecard=draw(st.sampled_from([None, "A", "B"])) if adjusts else None,
    )


@st.composite
def logs(draw: st.DrawFn) -> list[ScorableEvent]:
    return [draw(events(index)) for index in range(draw(st.integers(0, 12)))]
