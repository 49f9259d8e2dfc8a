"""What every page promises the browser."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from ingest.models import Project

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))


def test_every_page_forbids_inline_and_foreign_scripts_and_styles(browser_of_member: Client, project: Project) -> None:
    for address in ("/login", f"/p/{project.pk}", "/nothing"):
        policy = browser_of_member.get(address).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_needs_what_the_policy_forbids(template: Path) -> None:
    text = template.read_text()

    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"""\s(style|on\w+)=["']""", text)
    assert not re.search(r"\|\s*safe\b|autoescape off|https?://", text)


def test_a_page_that_does_not_exist_says_so_in_the_house_style(client: Client, db: None) -> None:
    answer = client.get("/nothing")

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()
