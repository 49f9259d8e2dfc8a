"""A member with a project, logged in; a stranger's project beside it."""

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from ingest.models import Project, User
from tests.dashboard.build import make_project, make_user


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nothing here is worth guessing


@pytest.fixture(autouse=True)
def _nobody_has_failed_to_log_in_yet() -> None:
    cache.clear()


@pytest.fixture
def member(db: None) -> User:
    return make_user("dana")


@pytest.fixture
def project(member: User) -> Project:
    return make_project(member)


@pytest.fixture
def strangers_project(db: None) -> Project:
    return make_project(make_user("stranger"), name="Strangers Ltd")


@pytest.fixture
def browser_of_member(client: Client, member: User) -> Client:
    client.force_login(member)
    return client
