"""The routes of Segment's tracking API and its relatives, each with and without a trailing slash."""

from django.urls import URLPattern, re_path

from ingest.api.segment import MetricsView, RudderStackConfigView, SegmentSettingsView, SegmentView
from ingest.core.segment import CALLS, Call


def _routes_of(call: Call) -> list[URLPattern]:
    view = SegmentView.as_view(call=call)
    return [
        re_path(rf"^v1/(?:{call}|{call[0]})/?$", view, name=f"segment-{call}"),
        re_path(rf"^api/s/(?:s2s/)?{call}/?$", view, name=f"jitsu-{call}"),
    ]


urlpatterns = [
    *[route for call in CALLS for route in _routes_of(call)],
    re_path(r"^v1/(?:batch|import|b)/?$", SegmentView.as_view(), name="segment-batch"),
    re_path(r"^v1/m/?$", MetricsView.as_view(), name="segment-metrics"),
    re_path(r"^v1/projects/(?P<token>[^/]+)/settings/?$", SegmentSettingsView.as_view(), name="segment-settings"),
    re_path(r"^sourceConfig/?$", RudderStackConfigView.as_view(), name="rudderstack-config"),
    re_path(r"^beacon/v1/batch/?$", SegmentView.as_view(), name="rudderstack-beacon"),
    re_path(r"^api/public/apps/batch/?$", SegmentView.as_view(), name="dittofeed-batch"),
]
