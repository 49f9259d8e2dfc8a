"""The routes that tell what automations did. Each is served with and without a trailing slash."""

from django.urls import re_path

from automation.api.views import ExportView, RunsView, TimelineView

urlpatterns = [
    re_path(r"^automations/runs/?$", RunsView.as_view(), name="api-automation-runs"),
    re_path(r"^leads/(?P<lead_id>[^/]+)/timeline/?$", TimelineView.as_view(), name="api-lead-timeline"),
    re_path(r"^leads/(?P<lead_id>[^/]+)/export/?$", ExportView.as_view(), name="api-lead-export"),
]
