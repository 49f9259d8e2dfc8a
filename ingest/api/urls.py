"""The ingest routes. Each is served with and without a trailing slash, because a redirect would lose the event."""

from django.urls import re_path

from ingest.api.events import EventBatchView, EventLogView, EventView
from ingest.api.webhooks import WebhookView

urlpatterns = [
    re_path(r"^events/?$", EventLogView.as_view(), name="api-events"),
    re_path(r"^events/batch/?$", EventBatchView.as_view(), name="api-events-batch"),
    re_path(r"^ingest/event/?$", EventView.as_view(), name="api-ingest-event"),
    re_path(r"^webhooks/(?P<source>[^/]{1,100})/?$", WebhookView.as_view(), name="api-webhooks"),
]
