"""Whole points from coefficients: in proportion, with the stages as full as they were."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.prediction.points import Scale, whole_points
from scoring.core.stages import StageTable

STAGES = StageTable.build([("cold", 0, 0), ("warm", 2_000, 0), ("hot", 5_000, 0), ("qualified", 10_000, 0)])
SCALE = Scale(stages=STAGES, floor=0, cap=1_000_000)
LEADS = [{"Demo": 1, "View": views} for views in range(12)] + [{"View": views} for views in range(12)]


def stages_with(points: dict[str, int]) -> list[int]:
    counts = dict.fromkeys(STAGES.names, 0)
    for hits in LEADS:
        counts[STAGES.stage_of(sum(100 * points[name] * times for name, times in hits.items()))] += 1
    return list(counts.values())


def test_coefficients_in_proportion_to_todays_points_give_todays_points() -> None:
    points = whole_points({"Demo": 2.0, "View": 0.2}, current={"Demo": 5_000, "View": 500}, leads=LEADS, scale=SCALE)

    assert points == {"Demo": 50, "View": 5}


def test_the_stages_stay_as_full_as_they_are_when_the_rules_change_weight() -> None:
    points = whole_points({"Demo": 1.0, "View": 0.5}, current={"Demo": 5_000, "View": 500}, leads=LEADS, scale=SCALE)

    before, after = stages_with({"Demo": 50, "View": 5}), stages_with(points)
    assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= 8
    assert points["Demo"] == 2 * points["View"]


def test_rules_that_are_not_suggested_keep_their_points_in_the_sums() -> None:
    leads = [{"Demo": 1, "Kept": 1}] * 10
    points = whole_points({"Demo": 1.0}, current={"Demo": 3_000, "Kept": 7_000}, leads=leads, scale=SCALE)

    assert points == {"Demo": 30}


def test_coefficients_of_nothing_are_no_points() -> None:
    assert whole_points({"Demo": 0.0}, current={"Demo": 100}, leads=LEADS, scale=SCALE) == {"Demo": 0}
    assert whole_points({}, current={}, leads=[], scale=SCALE) == {}


coefficients = st.dictionaries(st.sampled_from(["Demo", "View", "Mail"]), st.floats(-5, 5, allow_subnormal=False))


@settings(deadline=None)
@given(coefficients, st.integers(1, 100))
def test_points_keep_the_sign_and_the_order_of_the_coefficients(found: dict[str, float], demo: int) -> None:
    points = whole_points(found, current={"Demo": 100 * demo, "View": 500}, leads=LEADS[::4], scale=SCALE)

    assert points.keys() == found.keys()
    assert all(points[name] * value >= 0 for name, value in found.items())
    by_value = sorted(found, key=lambda name: found[name])
    assert [points[name] for name in by_value] == sorted(points.values())


@settings(deadline=None)
@given(st.floats(0.001, 1_000))
def test_the_scale_of_the_coefficients_does_not_matter(factor: float) -> None:
    def points(times: float) -> dict[str, int]:
        found = {"Demo": 3.0 * times, "View": 1.0 * times}
        return whole_points(found, current={"Demo": 5_000, "View": 500}, leads=LEADS, scale=SCALE)

    one, other = points(1.0), points(factor)
    assert all(abs(one[name] - other[name]) <= 1 for name in one)
