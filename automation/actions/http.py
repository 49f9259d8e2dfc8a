"""What a reply to a posted message means: only 2xx is success (Standard Webhooks 1.0.0)."""

import http.client
from collections.abc import Mapping
from http import HTTPStatus

from automation import outgoing
from automation.core.outcomes import Outcome, Verdict
from automation.core.placeholders import one_line


def post_for_outcome(url: str, body: bytes, *, headers: Mapping[str, str]) -> Outcome:
    """Post JSON to the URL and return what the reply, or the lack of one, means."""
    if not url:
        return Outcome(verdict=Verdict.FAILED, detail="The action has no URL.")
    try:
        reply = outgoing.post(
            url, body, headers={"Content-Type": "application/json", "User-Agent": "LeadScore", **headers}
        )
    except outgoing.RefusedError as error:
        return Outcome(verdict=Verdict.FAILED, detail=one_line(str(error), limit=400))
    except outgoing.UnreachableError as error:
        return Outcome(verdict=Verdict.RETRY, detail=one_line(str(error), limit=400), unreachable=True)
    return _meaning_of(reply)


def _meaning_of(reply: outgoing.Reply) -> Outcome:
    answer = f"Answered {reply.status} {_name_of(reply.status)}".rstrip()
    if 200 <= reply.status < 300:
        return Outcome(verdict=Verdict.DELIVERED, detail=f"{answer}.")
    if reply.status == HTTPStatus.GONE:
        return Outcome(
            verdict=Verdict.GONE,
            detail=f"{answer}: the receiver wants no more, so this action was switched off.",
        )
    if 300 <= reply.status < 400:
        return Outcome(verdict=Verdict.RETRY, detail=f"{answer}: redirects are not followed. Enter the final URL.")
    said = one_line(reply.body[:400].decode(errors="replace"), limit=120)
    return Outcome(verdict=Verdict.RETRY, detail=f"{answer}: {said}" if said else f"{answer}.")


def _name_of(status: int) -> str:
    return http.client.responses.get(status, "")
