from datetime import UTC, datetime, timedelta

import pytest

from automation.core.backoff import MOST_ATTEMPTS, WAITS, next_attempt_at

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    waits = [next_attempt_at(attempts, NOW, 0.0) for attempts in range(1, MOST_ATTEMPTS)]

    assert waits == [
        NOW + timedelta(**wait)
        for wait in [
            {"seconds": 5},
            {"minutes": 5},
            {"minutes": 30},
            {"hours": 2},
            {"hours": 5},
            {"hours": 10},
            {"hours": 14},
            {"hours": 20},
            {"hours": 24},
        ]
    ]


def test_after_the_last_attempt_there_is_no_next() -> None:
    assert next_attempt_at(MOST_ATTEMPTS, NOW, 0.0) is None
    assert next_attempt_at(MOST_ATTEMPTS + 1, NOW, 0.0) is None


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_jitter_only_lengthens_a_wait_and_never_by_more_than_a_fifth(jitter: float) -> None:
    for attempts, wait in enumerate(WAITS, start=1):
        due = next_attempt_at(attempts, NOW, jitter)

        assert due is not None
        assert wait <= due - NOW <= wait * 1.2
