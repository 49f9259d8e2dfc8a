"""Every address the web process answers."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from leadscore.api.docs import ReadableSchemaView
from leadscore.api.problems import no_such_route
from leadscore.dashboard.views import log_in_to_admin
from leadscore.health import healthz, readyz
from leadscore.metrics import metrics
from leadscore.sdk import sdk

handler400 = "leadscore.api.problems.bad_request"
handler500 = "leadscore.api.problems.server_error"

urlpatterns = [
    re_path(r"^healthz/?$", healthz),
    re_path(r"^readyz/?$", readyz),
    path("api/", include("ingest.api.urls")),
    path("", include("ingest.api.segment_urls")),
    path("api/", include("scoring.api.urls")),
    path("api/", include("automation.api.urls")),
    re_path(
        r"^api/schema/?$",
        SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[]),
        name="api-schema",
    ),
    re_path(r"^api/docs/?$", ReadableSchemaView.as_view(), name="api-docs"),
    re_path(r"^(api|v1|beacon)(/|$)", no_such_route),
    re_path(r"^metrics/?$", metrics),
    path("sdk/leadscore.js", sdk),
    path("admin/login/", log_in_to_admin),
    path("admin/", admin.site.urls),
    path("", include("leadscore.dashboard.urls")),
]
