"""The ingest routes. Each is served with and without a trailing slash, because a redirect would lose the event."""

from django.urls import re_path

from ingest.api import imports
from ingest.api.events import EventBatchView, EventLogView, EventView
from ingest.api.rulings import ExcludeView, IncludeView, RulingsView, RulingView
from ingest.api.webhooks import WebhookView

urlpatterns = [
    re_path(r"^events/?$", EventLogView.as_view(), name="api-events"),
    re_path(r"^events/batch/?$", EventBatchView.as_view(), name="api-events-batch"),
    re_path(r"^events/exclude/?$", ExcludeView.as_view(), name="api-events-exclude"),
    re_path(r"^events/include/?$", IncludeView.as_view(), name="api-events-include"),
    re_path(r"^rulings/?$", RulingsView.as_view(), name="api-rulings"),
    re_path(r"^rulings/(?P<ruling_id>[^/]+)/?$", RulingView.as_view(), name="api-ruling"),
    re_path(r"^imports/?$", imports.ImportsView.as_view(), name="api-imports"),
    re_path(r"^imports/preview/?$", imports.ImportPreviewView.as_view(), name="api-import-preview"),
    re_path(r"^imports/(?P<import_id>[^/]+)/?$", imports.ImportView.as_view(), name="api-import"),
    re_path(r"^imports/(?P<import_id>[^/]+)/rejected/?$", imports.RejectedView.as_view(), name="api-import-rejected"),
    re_path(r"^imports/(?P<import_id>[^/]+)/cancel/?$", imports.CancelView.as_view(), name="api-import-cancel"),
    re_path(r"^ingest/event/?$", EventView.as_view(), name="api-ingest-event"),
    re_path(r"^webhooks/(?P<source>[^/]{1,100})/?$", WebhookView.as_view(), name="api-webhooks"),
]
