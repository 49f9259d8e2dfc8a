"""Stages as pages show them."""

from decimal import Decimal

import pytest

from leadscore.dashboard.stages import StageMark, StageScale, rank_of

SCALE = StageScale(
    scorecard="Engagement",
    stages=tuple(
        StageMark(name=name, minimum=Decimal(minimum), css=f"rank-{rank_of(place, 4)}")
        for place, (name, minimum) in enumerate([("cold", 0), ("warm", 20), ("hot", 50), ("qualified", 100)])
    ),
)


@pytest.mark.parametrize(
    ("count", "ranks"),
    [(1, [0]), (2, [0, 5]), (3, [0, 2, 5]), (4, [0, 2, 3, 5]), (6, [0, 1, 2, 3, 4, 5])],
)
def test_the_lowest_stage_has_the_first_colour_and_the_highest_the_last(count: int, ranks: list[int]) -> None:
    assert [rank_of(place, count) for place in range(count)] == ranks


def test_more_stages_than_colours_share_them_in_order() -> None:
    ranks = [rank_of(place, 15) for place in range(15)]

    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (0, 5)


def test_a_stage_no_ruleset_knows_any_more_is_grey() -> None:
    assert SCALE.mark("lukewarm").css == "rank-none"


def filled(score: str) -> list[float]:
    return [round(part.filled / part.width, 2) for part in SCALE.ruler(Decimal(score))]


@pytest.mark.parametrize(
    ("score", "shares"),
    [
        ("0", [0, 0, 0, 0]),
        ("10", [0.5, 0, 0, 0]),
        ("20", [1, 0.06, 0, 0]),
        ("35", [1, 0.5, 0, 0]),
        ("150", [1, 1, 1, 0.5]),
        ("10000", [1, 1, 1, 1]),
        ("-50", [0, 0, 0, 0]),
    ],
)
def test_the_ruler_fills_stage_by_stage(score: str, shares: list[float]) -> None:
    assert filled(score) == shares


def test_it_says_how_far_the_next_stage_is() -> None:
    ahead = SCALE.ahead(Decimal("42.5"))

    assert ahead is not None
    assert (ahead.stage.name, ahead.missing) == ("hot", Decimal("7.5"))
    assert SCALE.ahead(Decimal(100)) is None


def test_a_project_without_stages_has_no_ruler() -> None:
    assert StageScale(scorecard="", stages=()).ruler(Decimal(5)) == ()
