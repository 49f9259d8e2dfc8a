"""Signatures, against vectors that others computed, the published package, and whoever tries to get around them."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from ingest.core.signatures import (
    HeaderScheme,
    StandardScheme,
    Unverified,
    Verified,
    mistake_in_source_secret,
    mistakes_in_scheme,
    verify,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
STRIPE = HeaderScheme(header="Stripe-Signature", form="t={timestamp},v1={signature}", signed="{timestamp}.{body}")
GITHUB = HeaderScheme(header="X-Hub-Signature-256", form="sha256={signature}")
SLACK = HeaderScheme(
    header="X-Slack-Signature",
    form="v0={signature}",
    signed="v0:{timestamp}:{body}",
    timestamp_header="X-Slack-Request-Timestamp",
)


def test_the_vector_of_the_standards_own_documentation_is_verified() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    result = verify(
        StandardScheme(), [secret], headers, b'{"test": 2432232314}', now=datetime.fromtimestamp(1614265330, UTC)
    )

    assert result == Verified(webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek")


def test_the_vector_of_githubs_documentation_is_verified() -> None:
    headers = {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}

    assert verify(GITHUB, ["It's a Secret to Everybody"], headers, b"Hello, World!", now=NOW) == Verified()


def test_the_vector_of_slacks_documentation_is_verified() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
        b"398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }

    at = datetime.fromtimestamp(1531420618, UTC)

    assert verify(SLACK, ["8f742231b10e8888abcd99yyyzzz85a5"], headers, body, now=at) == Verified()


@given(
    secret=st.binary(min_size=24, max_size=64),
    other=st.binary(min_size=24, max_size=64),
    body=st.text(st.characters(exclude_categories=["Cs"])),
    webhook_id=st.text("abc_-.123", min_size=1, max_size=20),
    seconds=st.integers(-400, 400),
    version=st.sampled_from(["v1", "v1a"]),
    spoiled=st.booleans(),
)
def test_standard_webhooks_are_taken_exactly_when_the_published_package_takes_them(
    secret: bytes, other: bytes, body: str, webhook_id: str, seconds: int, version: str, spoiled: bool
) -> None:
    written = "whsec_" + base64.b64encode(secret).decode()
    stamp = NOW + timedelta(seconds=seconds)
    wrong = Webhook(other).sign(webhook_id, stamp, body)
    signature = Webhook(secret).sign(webhook_id, stamp, body).replace("v1,", f"{version},")
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(stamp.timestamp())),
        "webhook-signature": f"{wrong} {wrong if spoiled else signature}",
    }

    with time_machine.travel(NOW, tick=False):
        try:
            Webhook(written).verify(body.encode(), headers, json_parse=False)
            takes = True
        except WebhookVerificationError:
            takes = False

    assert isinstance(verify(StandardScheme(), [written], headers, body.encode(), now=NOW), Verified) == takes


def stripe_header(body: bytes, *, secret: str = "the secret", stamp: str = STAMP) -> str:
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def is_taken(header: str, body: bytes = b"{}", *, scheme: HeaderScheme = STRIPE, now: datetime = NOW) -> bool:
    return isinstance(verify(scheme, ["the secret"], {scheme.header.lower(): header}, body, now=now), Verified)


def test_a_header_may_hold_several_signatures_and_fields_of_others() -> None:
    _, good = stripe_header(b"{}").split(",")

    assert is_taken(f"t={STAMP},v0=abc,v1={'0' * 64},{good}")
    assert is_taken(f" t={STAMP} , {good.upper().replace('V1', 'v1')} ")
    assert not is_taken(f"t={STAMP},v1={'0' * 64}")
    assert not is_taken(f"t={STAMP},v0={good[3:]}")


@pytest.mark.parametrize(
    "header",
    ["", "t=,v1=", f"t={STAMP}", "v1=" + "0" * 64, f"t={STAMP},v1=", "é=ü", "t=-1,v1=x", "t=1e9,v1=x", "t=" + "9" * 400,
     "t=٣,v1=x", ",,,==,=", f"t={STAMP},v1=" + "é" * 32, "t={timestamp},v1={signature}", "\udcff"],
)  # fmt: skip
def test_a_header_of_nonsense_is_refused(header: str) -> None:
    assert not is_taken(header)


def test_a_time_that_was_changed_does_not_help() -> None:
    _, signature = stripe_header(b"{}", stamp=str(int(STAMP) - 3600)).split(",")

    assert not is_taken(f"t={STAMP},{signature}")


def test_milliseconds_are_a_time_too() -> None:
    assert is_taken(stripe_header(b"{}", stamp=f"{STAMP}000"))
    assert not is_taken(stripe_header(b"{}", stamp=f"{int(STAMP) - 600}000"))


def test_a_stale_webhook_is_refused_exactly_beyond_the_tolerance() -> None:
    assert is_taken(stripe_header(b"{}"), now=NOW + timedelta(seconds=300))
    assert not is_taken(stripe_header(b"{}"), now=NOW + timedelta(seconds=301))
    assert not is_taken(stripe_header(b"{}"), now=NOW - timedelta(seconds=301))


@given(body=st.binary(max_size=200), change=st.binary(min_size=1, max_size=3))
def test_one_byte_more_is_another_body(body: bytes, change: bytes) -> None:
    assert is_taken(stripe_header(body), body)
    assert not is_taken(stripe_header(body), body + change)


@given(st.text(max_size=200), st.sampled_from([STRIPE, GITHUB, SLACK]), st.text(max_size=30))
def test_no_header_ever_raises(header: str, scheme: HeaderScheme, stamp: str) -> None:
    headers = {scheme.header.lower(): header, scheme.timestamp_header.lower(): stamp, "webhook-id": header,
               "webhook-timestamp": stamp, "webhook-signature": header}  # fmt: skip

    for scheme_, secret in ((scheme, "the secret"), (StandardScheme(), "whsec_" + "A" * 44)):
        assert isinstance(verify(scheme_, [secret], headers, header.encode("utf-8", "replace"), now=NOW), Unverified)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", "sha256="),
        ("form", "{signature}{signature}"),
        ("form", "{signature} at the beginning"),
        ("form", "t={timestamp}{signature}"),
        ("form", "{timestamp},v1={signature}"),
        ("form", "t={timestamp},u={timestamp},v1={signature}"),
        ("form", "{nonce}{signature}"),
        ("signed", "{timestamp}"),
        ("signed", "{body}{body}"),
        ("signed", "{body}"),
        ("signed", "{body}{timestamp}{url}"),
        ("header", "Not A Header"),
        ("header", ""),
        ("timestamp_header", "é"),
        ("tolerance", 0),
        ("tolerance", 100_000),
    ],
)
def test_a_header_that_cannot_be_verified_is_told_at_its_field(field: str, value: object) -> None:
    good = {"header": "X", "form": "t={timestamp},v1={signature}", "signed": "{timestamp}.{body}"}

    found = mistakes_in_scheme(HeaderScheme(**{**good, field: value}))  # type: ignore[arg-type]

    assert f"/{field}" in {problem.pointer for problem in found}


@pytest.mark.parametrize("scheme", [STRIPE, GITHUB, SLACK])
def test_what_vendors_do_has_no_mistake(scheme: HeaderScheme) -> None:
    assert mistakes_in_scheme(scheme) == ()


def test_a_secret_is_looked_at_before_it_is_kept() -> None:
    assert mistake_in_source_secret(StandardScheme(), "not one") is not None
    assert mistake_in_source_secret(StandardScheme(), "whsec_" + "A" * 44) is None
    assert mistake_in_source_secret(STRIPE, "short") is not None
    assert mistake_in_source_secret(STRIPE, json.dumps("a good long one")) is None
