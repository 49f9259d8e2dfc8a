"""The ruleset a new project starts with."""

from typing import Final

from scoring.core.ruleset import parse_ruleset
from scoring.core.schema import RulesetSpec

POINTS: Final = (
    ("Page view", "page_view", 5),
    ("Sign-up", "signup", 20),
    ("Download", "download", 10),
    ("Demo request", "demo_request", 50),
    ("Contract signed", "contract_signed", 100),
    ("Email opened", "email_open", 10),
    ("Form submitted", "form_submit", 20),
    ("Webinar attended", "webinar_attendance", 25),
    ("Pricing page visit", "pricing_page_visit", 15),
    ("Unsubscribed", "unsubscribe", -20),
)

DEFAULT_RULESET: Final[RulesetSpec] = parse_ruleset(
    {
        "scorecards": [
            {
                "name": "Engagement",
                "rules": [{"name": name, "event": event_type, "points": points} for name, event_type, points in POINTS],
            }
        ]
    }
)
