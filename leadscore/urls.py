"""Every address the web process answers."""

from django.contrib import admin
from django.urls import include, path

from leadscore.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/", include("ingest.api.urls")),
    path("admin/", admin.site.urls),
]
