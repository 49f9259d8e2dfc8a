"""What goes wrong with a request, as exceptions that the error shape (`leadscore.api.problems`) turns into answers."""

from collections.abc import Sequence

from rest_framework import status
from rest_framework.exceptions import APIException

from ingest.core.events import Problem, Refused


class RequestRefused(APIException):
    """A request that is not carried out: a stable `code`, a sentence, and what is wrong where."""

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(
        self, code: str, detail: str, *, status_code: int = 400, problems: Sequence[Problem] = (), **extra: object
    ) -> None:
        super().__init__(detail=detail, code=code)
        self.status_code = status_code
        self.problems = tuple(problems)
        self.extra = extra


_STATUS = {"too_large": 413, "lead_not_found": 404, "suppressed": 403}


def refusal(refused: Refused) -> RequestRefused:
    """Return the answer to a request whose content was refused."""
    return RequestRefused(
        refused.code, refused.detail, status_code=_STATUS.get(refused.code, 400), problems=refused.problems
    )


def not_found(what: str) -> RequestRefused:
    """Return the answer for something this project does not have, whether or not another one does."""
    return RequestRefused("not_found", f"This project has no such {what}.", status_code=404)
