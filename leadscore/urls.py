"""Every address the web process answers."""

from django.contrib import admin
from django.urls import include, path

from leadscore.health import healthz, readyz
from leadscore.metrics import metrics

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/", include("ingest.api.urls")),
    path("api/", include("scoring.api.urls")),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
]
