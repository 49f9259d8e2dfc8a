"""The browser SDK as it is served."""

import gzip
import re
from pathlib import Path

from django.conf import settings
from django.test import Client

from leadscore.sdk import source

ADDRESS = "/sdk/leadscore.js"


def test_it_is_smaller_than_five_kilobytes_on_the_wire() -> None:
    answer = Client().get(ADDRESS, headers={"Accept-Encoding": "br, gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.content) < 5 * 1024
    assert gzip.decompress(answer.content) == source()


def test_it_is_a_script_that_pages_of_any_site_may_load() -> None:
    answer = Client().get(ADDRESS, headers={"Origin": "https://www.example.com"})

    assert answer.status_code == 200
    assert answer.content == source()
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not answer.cookies


def test_caches_keep_it_for_minutes_and_then_ask_whether_it_changed() -> None:
    answer = Client().get(ADDRESS)
    again = Client().get(ADDRESS, headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.headers["Cache-Control"] == "public, max-age=600"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_it_is_only_to_be_read() -> None:
    assert Client().head(ADDRESS).status_code == 200
    assert Client().post(ADDRESS).status_code == 405


def test_it_is_one_readable_file_without_dependencies() -> None:
    text = source().decode()

    assert max(len(line) for line in text.splitlines()) <= 120
    assert "import " not in text
    assert "eval(" not in text


def test_the_guide_knows_every_option_and_every_call() -> None:
    guide = (Path(settings.BASE_DIR) / "docs" / "howto" / "browser.md").read_text()
    options = set(re.findall(r"config\.(\w+)", source().decode()))

    assert options >= {"key", "host", "consent", "auto", "query", "hash", "debug"}
    assert [option for option in options if f"| `data-{option}" not in guide] == []
    for call in ("track", "identify", "page", "group", "reset", "optIn", "optOut"):
        assert f"leadscore.{call}(" in guide
