"""The settings: every variable is documented, and nonsense is refused with a sentence."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from leadscore.environment import Environment
from leadscore.home import LONGEST_SOCKET_PATH, SecretKeyFile, redis_socket

ROOT = Path(__file__).resolve().parents[1]


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE))


def read_by_settings() -> set[str]:
    read = re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", (ROOT / "leadscore/settings.py").read_text())
    return {*read, "REDIS_URL", "BROKER_URL"}


def read_by_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def set_by_example() -> set[str]:
    return set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_every_variable_is_documented_and_every_documented_variable_is_read() -> None:
    assert documented() == read_by_settings() | read_by_compose()


def test_the_example_names_exactly_what_compose_reads() -> None:
    assert set_by_example() == read_by_compose()


def test_the_example_holds_no_secret() -> None:
    assert (
        re.findall(r"^(?:SECRET_KEY|POSTGRES_PASSWORD)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE) == []
    )


@pytest.mark.parametrize("text", ["", "x", "0", "9", "-1", "1.5", "٣", "1 2"])
def test_a_number_that_is_none_or_out_of_bounds_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOME_NUMBER", text)
    with pytest.raises(ImproperlyConfigured, match=r"^SOME_NUMBER must be a whole number from 1 to 8, not '.*'\.$"):
        Environment().whole_number("SOME_NUMBER", default=1, least=1, most=8)


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 8 ", 8), ("007", 7)])
def test_a_number_within_bounds_is_read(monkeypatch: pytest.MonkeyPatch, text: str, number: int) -> None:
    monkeypatch.setenv("SOME_NUMBER", text)
    assert Environment().whole_number("SOME_NUMBER", default=1, least=1, most=8) == number


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "mongodb://localhost/x"])
def test_a_database_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL must begin with sqlite:// or postgres://"):
        Environment().database("DATABASE_URL", default=Path("unused"))


def test_no_database_url_means_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    database = Environment().database("DATABASE_URL", default=Path("/some/where/100%.sqlite3"))
    assert database == {"ENGINE": "django.db.backends.sqlite3", "NAME": "/some/where/100%.sqlite3"}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, ""),
        ({"REDIS_URL": "redis://one"}, "redis://one"),
        ({"BROKER_URL": "redis://two"}, "redis://two"),
        ({"REDIS_URL": "redis://one", "BROKER_URL": "redis://two"}, "redis://one"),
        ({"BROKER_URL": "amqp://three"}, ""),
    ],
)
def test_a_redis_given_as_the_broker_is_used_as_the_redis_too(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], url: str
) -> None:
    for name in ("REDIS_URL", "BROKER_URL"):
        monkeypatch.setenv(name, given.get(name, ""))
    assert Environment().redis_url() == url


@pytest.mark.parametrize("text", ["leads.example.com", "ftp://leads.example.com", "https://", "https://a.example/path"])
def test_a_public_url_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", text)
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL must be an address"):
        Environment().address("PUBLIC_URL", default="http://127.0.0.1")


def test_the_signing_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = SecretKeyFile(tmp_path / "home")
    key = file.read_or_create()
    assert len(key) > 50
    assert file.read_or_create() == key
    assert (tmp_path / "home" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_embedded_redis_listens_in_the_home_unless_the_path_is_too_long_for_a_socket() -> None:
    deep = Path("/" + "deep/" * 30)
    assert redis_socket(Path("/short")) == Path("/short/redis.sock")
    assert len(str(redis_socket(deep))) <= LONGEST_SOCKET_PATH
    assert redis_socket(deep) == redis_socket(deep)
    assert redis_socket(deep) != redis_socket(deep / "er")
