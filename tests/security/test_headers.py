"""What every answer tells browsers, and caches on the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.builders import caller_of, make_lead, make_project

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/api/leads", "/api/leads/{}", "/api/leads/nobody", "/api/events", "/api/leaderboard"]
)
def test_an_answer_of_the_api_is_kept_by_nobody(path: str) -> None:
    project = make_project()

    answer = caller_of(project).get(path.format(make_lead(project).pk))

    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/", "/nothing", "/admin/", "/api/nothing", "/healthz"])
def test_a_page_is_kept_by_nobody(path: str) -> None:
    assert "no-store" in Client().get(path).headers["Cache-Control"]


def test_what_everybody_may_see_may_be_kept() -> None:
    answer = Client().get("/static/css/leadscore.css")

    assert answer.status_code == 200
    assert "no-store" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/login", "/api/leads", "/nothing", "/static/css/leadscore.css"])
def test_no_answer_is_taken_for_another_type_or_tells_where_one_came_from(path: str) -> None:
    headers = Client().get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_django_finds_nothing_to_improve_behind_https(tmp_path: Path) -> None:
    surroundings = {
        "PATH": os.environ["PATH"],
        "PUBLIC_URL": "https://leads.example.com",
        "BEHIND_PROXY": "true",
        "LEADSCORE_HOME": str(tmp_path),
        "DATABASE_URL": "",
        "REDIS_URL": "redis://127.0.0.1:1",
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=settings.BASE_DIR,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
