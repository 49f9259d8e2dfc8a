"""`manage.py check --deploy`: each of an operator's mistakes is said once, with what to do."""

import pytest
from django.core.checks import run_checks
from pytest_django import Settings


def found() -> set[str]:
    issues = [issue for issue in run_checks(include_deployment_checks=True) if str(issue.id).startswith("leadscore.")]
    assert all(issue.hint for issue in issues)
    return {str(issue.id) for issue in issues}


def test_a_first_look_has_nothing_to_mend() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("mistake", "ids"),
    [
        ({"PUBLIC_URL": "http://leads.example.com", "EMBEDDED_REDIS_SOCKET": None}, {"leadscore.W001"}),
        ({"PUBLIC_URL": "https://leads.example.com", "EMBEDDED_REDIS_SOCKET": None}, {"leadscore.W002"}),
        (
            {"PUBLIC_URL": "https://leads.example.com", "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")},
            {"leadscore.W004"},
        ),
        ({"WORKERS": 2}, {"leadscore.W003"}),
    ],
)
def test_a_mistake_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mistake: dict[str, object], ids: set[str]
) -> None:
    # An item of the very dictionary that every new connection is made of: it must be put back.
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    settings.EMBEDDED_REDIS_SOCKET = "redis.sock"
    for name, value in mistake.items():
        setattr(settings, name, value)
    assert found() == ids
