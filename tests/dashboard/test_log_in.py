"""Logging in, and where it leads."""

import pytest
from django.test import Client
from django.urls import reverse

from ingest.models import Project, User
from tests.dashboard.build import PASSWORD, make_project, make_user


def log_in(client: Client, username: str, password: str) -> int:
    return client.post("/login", {"username": username, "password": password}).status_code


def test_a_visitor_is_sent_to_the_log_in_and_back_to_where_they_wanted_to_go(
    client: Client, member: User, project: Project
) -> None:
    page = reverse("leaderboard", args=[project.pk])

    assert client.get(page).headers["Location"] == f"/login?next={page}"

    answer = client.post("/login", {"username": "dana", "password": PASSWORD, "next": page})
    assert answer.headers["Location"] == page


def test_logging_in_leads_to_the_first_project(client: Client, member: User, project: Project) -> None:
    make_project(member, name="Zebra")

    answer = client.post("/login", {"username": "dana", "password": PASSWORD}, follow=True)

    assert answer.redirect_chain[-1][0] == f"/p/{project.pk}"


def test_a_log_in_never_leads_to_another_site(client: Client, member: User, project: Project) -> None:
    answer = client.post("/login", {"username": "dana", "password": PASSWORD, "next": "https://evil.example/"})

    assert answer.headers["Location"] == "/"


def test_a_wrong_password_is_refused_in_words(client: Client, member: User) -> None:
    answer = client.post("/login", {"username": "dana", "password": "wrong"})

    assert answer.status_code == 200
    assert "Please enter a correct username and password" in answer.content.decode()


def test_ten_failures_within_a_minute_lock_an_address_out(client: Client, member: User) -> None:
    assert {log_in(client, "dana", "wrong") for _ in range(10)} == {200}

    answer = client.post("/login", {"username": "dana", "password": PASSWORD})

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "Too many attempts" in answer.content.decode()


def test_successful_log_ins_do_not_count(client: Client, member: User) -> None:
    for _ in range(15):
        assert log_in(client, "dana", PASSWORD) == 302
        client.post("/logout")


def test_logging_out_takes_a_post(client: Client, member: User, project: Project) -> None:
    client.force_login(member)

    assert client.get("/logout").status_code == 405
    assert client.post("/logout").headers["Location"] == "/login"
    assert client.get(f"/p/{project.pk}").status_code == 302


def test_somebody_without_a_project_is_told_what_to_do(client: Client, db: None) -> None:
    client.force_login(make_user("newcomer"))

    answer = client.get("/")

    assert answer.status_code == 200
    assert "not a member of any project" in answer.content.decode()


@pytest.mark.parametrize("address", ["/login", "/login/"])
def test_the_log_in_answers_with_and_without_a_slash(client: Client, db: None, address: str) -> None:
    assert client.get(address).status_code == 200
