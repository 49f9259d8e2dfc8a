"""The page on which people read the API's description."""

import pytest
from django.test import Client


@pytest.mark.django_db
def test_the_page_may_use_the_style_sheet_that_it_brings_and_no_script_of_anybody_elses() -> None:
    answer = Client().get("/api/docs")

    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src" not in policy
    assert "default-src 'self'" in policy


def test_every_script_and_style_of_the_page_comes_from_here() -> None:
    page = Client().get("/api/docs").content.decode()
    assert "https://" not in page
    assert "//cdn" not in page
