"""Whether a webhook comes from who knows the secret, and was sent just now.

Two schemes: Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), and a header that is described: how it is
written, what is signed, how the signature is spelled. Both are HMAC-SHA256. Comparisons take the same time whatever
differs.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ingest.core.events import Problem
from ingest.core.secrets import mistake_in_secret

STANDARD_TOLERANCE = 300
MAX_TOLERANCE = 86_400
MAX_WEBHOOK_ID_LENGTH = 256
FEWEST_CHARACTERS, MOST_CHARACTERS = 8, 200  # of a secret that the sender chose
_MILLISECONDS_FROM = 100_000_000_000
_MOST_SIGNATURES = 20  # more than any rotation needs; a header is a stranger's
_SECONDS = re.compile(r"\d{1,17}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
Encoding = Literal["hex", "base64"]
SIGNATURE, TIMESTAMP, BODY = "{signature}", "{timestamp}", "{body}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardScheme:
    """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`; secrets begin with `whsec_`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderScheme:
    """A signature in a header of the sender's own.

    `form` is how the header is written: `sha256={signature}`, or fields such as `t={timestamp},v1={signature}`.
    `signed` is what the signature is computed over: `{body}`, or `{timestamp}.{body}`. A timestamp that is signed must
    not be further than `tolerance` seconds from now; it stands in the header, or in `timestamp_header`.
    """

    header: str
    form: str
    signed: str = BODY
    encoding: Encoding = "hex"
    timestamp_header: str = ""
    tolerance: int = STANDARD_TOLERANCE


Scheme = StandardScheme | HeaderScheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A webhook that was signed with the secret. `webhook_id` is its id, if the scheme signs one."""

    webhook_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """A webhook that is not taken, and why, in words for whoever sets the source up."""

    reason: str


def verify(
    scheme: Scheme, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: datetime
) -> Verified | Unverified:
    """Return whether a webhook was signed with one of the secrets and lately; `headers` in small letters."""
    if isinstance(scheme, StandardScheme):
        return _verify_standard(secrets, headers, body, now=now)
    return _verify_header(scheme, secrets, headers, body, now=now)


def mistakes_in_scheme(scheme: HeaderScheme) -> tuple[Problem, ...]:
    """Return what is wrong with a described header, with pointers to its fields."""
    problems = []
    if not _HEADER_NAME.fullmatch(scheme.header):
        problems.append(Problem(pointer="/header", detail="must be the name of a header, such as X-Signature"))
    if scheme.timestamp_header and not _HEADER_NAME.fullmatch(scheme.timestamp_header):
        problems.append(Problem(pointer="/timestamp_header", detail="must be the name of a header"))
    problems += _mistakes_in_form(scheme)
    problems += _mistakes_in_signed(scheme)
    if not 1 <= scheme.tolerance <= MAX_TOLERANCE:
        problems.append(Problem(pointer="/tolerance", detail=f"must be 1 to {MAX_TOLERANCE:,} seconds"))
    return tuple(problems)


def mistake_in_source_secret(scheme: Scheme, secret: str) -> str | None:
    """Return what is wrong with a secret that somebody pasted, or None."""
    if isinstance(scheme, StandardScheme):
        return mistake_in_secret(secret)
    if not FEWEST_CHARACTERS <= len(secret) <= MOST_CHARACTERS:
        return f"A secret is {FEWEST_CHARACTERS} to {MOST_CHARACTERS} characters long."
    return None


# --- Standard Webhooks ---------------------------------------------------------------------------------------------


def _verify_standard(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: datetime
) -> Verified | Unverified:
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (webhook_id and timestamp and signatures):
        return Unverified(reason="One of the headers webhook-id, webhook-timestamp and webhook-signature is missing.")
    if len(webhook_id) > MAX_WEBHOOK_ID_LENGTH:
        return Unverified(reason=f"The webhook-id is longer than {MAX_WEBHOOK_ID_LENGTH} characters.")
    if problem := _too_far(timestamp, STANDARD_TOLERANCE, now=now):
        return problem
    content = f"{webhook_id}.{timestamp}.".encode("utf-8", "replace") + body
    given = [text.removeprefix("v1,") for text in signatures.split(" ") if text.startswith("v1,")]
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    if _matches(keys, content, given, encoding="base64"):
        return Verified(webhook_id=webhook_id)
    return _NO_MATCH


# --- A described header --------------------------------------------------------------------------------------------


def _verify_header(
    scheme: HeaderScheme, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: datetime
) -> Verified | Unverified:
    header = headers.get(scheme.header.lower(), "").strip()
    if not header:
        return Unverified(reason=f"The header {scheme.header} is missing.")
    given, timestamp = _taken_apart(scheme.form, header)
    if not given:
        return Unverified(reason=f"The header {scheme.header} is not written as {scheme.form}.")
    if TIMESTAMP in scheme.signed:
        timestamp = timestamp or headers.get(scheme.timestamp_header.lower(), "").strip()
        if problem := _too_far(timestamp, scheme.tolerance, now=now):
            return problem
    before, _, after = scheme.signed.replace(TIMESTAMP, timestamp).partition(BODY)
    content = before.encode() + body + after.encode()
    if _matches([secret.encode() for secret in secrets], content, given, encoding=scheme.encoding):
        return Verified()
    return _NO_MATCH


def _taken_apart(form: str, header: str) -> tuple[list[str], str]:
    """Return the signatures that a header holds, and its timestamp."""
    if not _has_fields(form):
        prefix = form.removesuffix(SIGNATURE)
        return ([header.removeprefix(prefix)] if header.startswith(prefix) else []), ""
    fields = {value: name for name, _, value in (part.partition("=") for part in form.split(","))}
    found: dict[str, list[str]] = {SIGNATURE: [], TIMESTAMP: []}
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        for placeholder, values in found.items():
            if fields.get(placeholder) == name:
                values.append(value)
    return found[SIGNATURE], next(iter(found[TIMESTAMP]), "")


def _has_fields(form: str) -> bool:
    return "," in form or TIMESTAMP in form


def _mistakes_in_form(scheme: HeaderScheme) -> Iterable[Problem]:
    form = scheme.form
    if form.count(SIGNATURE) != 1:
        yield Problem(pointer="/form", detail=f"must have {SIGNATURE} in it, once")
    elif _has_fields(form):
        parts = [part.partition("=") for part in form.split(",")]
        if any(not name or value not in (SIGNATURE, TIMESTAMP) for name, _, value in parts):
            yield Problem(
                pointer="/form", detail=f"must be fields with commas between them, as in t={TIMESTAMP},v1={SIGNATURE}"
            )
        elif form.count(TIMESTAMP) > 1:
            yield Problem(pointer="/form", detail=f"must have {TIMESTAMP} in it at most once")
    elif not form.endswith(SIGNATURE) or _PLACEHOLDER.findall(form) != ["signature"]:
        yield Problem(pointer="/form", detail=f"must end with {SIGNATURE}, as in sha256={SIGNATURE}")


def _mistakes_in_signed(scheme: HeaderScheme) -> Iterable[Problem]:
    signed = scheme.signed
    has_timestamp = TIMESTAMP in scheme.form or bool(scheme.timestamp_header)
    if signed.count(BODY) != 1 or not set(_PLACEHOLDER.findall(signed)) <= {"body", "timestamp"}:
        yield Problem(
            pointer="/signed", detail=f"must have {BODY} in it, once, and may have {TIMESTAMP} and other characters"
        )
    elif TIMESTAMP in signed and not has_timestamp:
        yield Problem(pointer="/signed", detail=f"has a {TIMESTAMP}, but none is in the header")
    elif has_timestamp and TIMESTAMP not in signed:
        yield Problem(pointer="/signed", detail=f"must have {TIMESTAMP} in it: anybody could change one that is not")


# --- Both ----------------------------------------------------------------------------------------------------------

_NO_MATCH = Unverified(reason="No signature matches: is it the right secret?")


def _matches(
    keys: Iterable[bytes], content: bytes, given: Sequence[str], *, encoding: Literal["hex", "base64"]
) -> bool:
    found = False
    candidates = [_encoded(text, encoding) for text in given[:_MOST_SIGNATURES]]
    for key in keys:
        digest = hmac.digest(key, content, hashlib.sha256)
        expected = digest.hex().encode() if encoding == "hex" else base64.b64encode(digest)
        for candidate in candidates:  # all of them, so that the time does not tell which one it was
            found |= hmac.compare_digest(expected, candidate)
    return found


def _encoded(text: str, encoding: Encoding) -> bytes:
    return (text.lower() if encoding == "hex" else text).encode("utf-8", "replace")


def _too_far(timestamp: str, tolerance: int, *, now: datetime) -> Unverified | None:
    """Return why a timestamp, in seconds or milliseconds since 1970, is not near enough to now."""
    if not _SECONDS.fullmatch(timestamp):
        return Unverified(reason="The timestamp is missing or no number of seconds.")
    seconds: float = int(timestamp)
    seconds = seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds
    age = now.timestamp() - seconds
    if abs(age) <= tolerance:
        return None
    where = "old" if age > 0 else "in the future"
    return Unverified(reason=f"The timestamp is {abs(age):,.0f} seconds {where}; {tolerance:,} are allowed.")
