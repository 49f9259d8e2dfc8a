"""Guessing a password is slow through every door, and nobody else is locked out by it."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from django.test.utils import override_settings

from ingest.models import User
from tests.builders import T0, make_member, make_project

pytestmark = pytest.mark.django_db
BEHIND_PROXY = override_settings(RATELIMIT_IP_META_KEY="leadscore.proxy.client_address")


@pytest.fixture(autouse=True)
def _within_one_minute() -> Iterator[None]:
    with time_machine.travel(T0, tick=False):
        yield


def guess(address: str = "/login", **headers: str) -> int:
    form = {"username": "nobody", "password": "wrong"}
    return (
        Client()
        .post(address, form, headers={name.replace("_", "-"): value for name, value in headers.items()})
        .status_code
    )


def test_the_admin_has_no_log_in_of_its_own() -> None:
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0] == "/login?next=/admin/"

    answer = Client().post("/admin/login/?next=/admin/ingest/lead/", {"username": "nobody", "password": "wrong"})

    assert answer.headers["Location"] == "/login?next=/admin/ingest/lead/"


def test_who_is_no_staff_is_told_so_instead_of_being_sent_in_a_circle() -> None:
    browser = Client()
    browser.force_login(User.objects.create_user("plain"))

    assert browser.get("/admin/", follow=True).status_code == 403


def test_who_is_staff_already_gets_to_the_admin() -> None:
    browser = Client()
    browser.force_login(make_member(make_project(), "staff"))

    assert browser.get("/admin/login/").headers["Location"] == "/admin/"


@BEHIND_PROXY
def test_behind_a_proxy_guesses_count_against_who_spoke_to_it() -> None:
    assert {guess(X_Forwarded_For="198.51.100.1") for _ in range(10)} == {200}

    assert guess(X_Forwarded_For="198.51.100.1") == 429
    assert guess(X_Forwarded_For="198.51.100.2") == 200


@BEHIND_PROXY
@pytest.mark.parametrize("forged", ["203.0.113.{}, 198.51.100.1", "nonsense {}, 198.51.100.1"])
def test_what_a_guesser_puts_in_front_of_their_address_changes_nothing(forged: str) -> None:
    for number in range(10):
        guess(X_Forwarded_For=forged.format(number))

    assert guess(X_Forwarded_For=forged.format(11)) == 429


@BEHIND_PROXY
@pytest.mark.parametrize("nonsense", ["", "nonsense", "1.2.3.4:80", "::1%eth0 ", ","])
def test_an_address_that_is_none_is_not_an_error(nonsense: str) -> None:
    assert guess(X_Forwarded_For=nonsense) == 200


def test_without_a_proxy_nobody_says_who_they_are() -> None:
    for number in range(10):
        guess(X_Forwarded_For=f"203.0.113.{number}")

    assert guess(X_Forwarded_For="203.0.113.77") == 429


@pytest.mark.parametrize("password", ["wrong", "correct horse"])
def test_an_account_that_is_switched_off_answers_as_one_that_does_not_exist(password: str) -> None:
    User.objects.create_user("gone", password="correct horse", is_active=False)

    answers = [
        Client()
        .post("/login", {"username": name, "password": password})
        .content.decode()
        .replace(name, "")
        .split("csrf")[0]
        for name in ("gone", "nobody")
    ]

    assert answers[0] == answers[1]


def test_a_session_from_before_the_log_in_is_worth_nothing_after_it() -> None:
    User.objects.create_user("dana", password="correct horse")
    browser = Client()
    session = browser.session
    session["planted"] = True
    session.save()

    browser.post("/login", {"username": "dana", "password": "correct horse"})

    assert browser.cookies["sessionid"].value != session.session_key
    assert browser.cookies["sessionid"]["httponly"]
    assert browser.cookies["sessionid"]["samesite"] == "Lax"


@pytest.mark.parametrize("page", ["/login", "/logout", "/admin/logout/"])
def test_no_form_is_taken_from_another_site(page: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_member(make_project(), "staff"))

    assert browser.post(page, {}, headers={"Origin": "https://evil.example"}).status_code == 403
