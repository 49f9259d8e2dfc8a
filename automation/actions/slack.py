"""Post a message to an incoming webhook that understands Slack's JSON (Slack, Mattermost, Discord …)."""

import orjson

from automation.actions.http import post_for_outcome
from automation.core.outcomes import Outcome
from automation.core.placeholders import escape_mrkdwn, fill
from automation.errands import Errand

DEFAULT_MESSAGE = "*{lead}* is {stage} with {score} points, after {event}. {url}"


def send(errand: Errand) -> Outcome:
    """Post the message; what leads can write into it is shown literally."""
    values = {name: escape_mrkdwn(value) for name, value in errand.values.as_mapping().items()}
    body = orjson.dumps({"text": fill(errand.message or DEFAULT_MESSAGE, values)})
    return post_for_outcome(errand.url, body, headers={})
