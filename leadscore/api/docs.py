"""The page on which people read the API's description. Everything it loads comes from here."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from leadscore.csp import POLICY


class ReadableSchemaView(SpectacularSwaggerSplitView):
    """Swagger UI, which brings an inline style sheet and so needs a policy that allows one."""

    url_name = "api-schema"
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = f"{POLICY}; style-src 'self' 'unsafe-inline'"
        return response
