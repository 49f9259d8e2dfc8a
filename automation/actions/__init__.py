"""The things an automation can do: a module per kind with one function, an errand in, an outcome out."""

from collections.abc import Callable, Mapping

from automation.actions import assign, email, slack, webhook
from automation.core.outcomes import Outcome
from automation.errands import Errand
from automation.models import Action

_BY_KIND: Mapping[str, Callable[[Errand], Outcome]] = {
    Action.Kind.EMAIL: email.send,
    Action.Kind.SLACK: slack.send,
    Action.Kind.WEBHOOK: webhook.send,
    Action.Kind.ASSIGN: assign.assign,
}


def carry_out(errand: Errand) -> Outcome:
    """Carry out the errand and return what it led to. A repetition bears the same delivery id."""
    return _BY_KIND[errand.kind](errand)
