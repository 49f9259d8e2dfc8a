"""What an attacker has: no more than one project, or nothing at all."""

import pytest
from django.core.cache import cache
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nothing here is worth guessing


@pytest.fixture(autouse=True)
def _nobody_has_failed_to_log_in_yet() -> None:
    cache.clear()
