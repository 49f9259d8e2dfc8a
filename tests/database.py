"""The tests' database: on SQLite a file, as installations have it."""

import pytest
from django.conf import settings
from django.db import connection


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Keep SQLite's test database in a file.

    Django would keep it in memory, shared by the threads of a process. There nobody waits for a lock: whoever meets
    one, be it to read, fails at once ("database table is locked"), so threads, servers and workers could not be tested.
    """
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(settings.LEADSCORE_HOME / "tests.sqlite3")
