"""The routes about leads, scores and rules, each with and without a trailing slash."""

from django.urls import re_path

from scoring.api import adjustments, analytics, insight, lead_export, leads, merges, rules, sessions

_LEAD = r"^leads/(?P<lead_id>[^/]+)"

urlpatterns = [
    re_path(r"^leads/?$", leads.LeadsView.as_view(), name="api-leads"),
    re_path(r"^leads/duplicates/?$", merges.DuplicatesView.as_view(), name="api-duplicates"),
    re_path(r"^leads/export/?$", lead_export.LeadExportView.as_view(), name="api-leads-export"),
    re_path(rf"{_LEAD}/?$", leads.LeadView.as_view(), name="api-lead"),
    re_path(rf"{_LEAD}/history/?$", leads.HistoryView.as_view(), name="api-lead-history"),
    re_path(rf"{_LEAD}/sessions/?$", sessions.SessionsView.as_view(), name="api-lead-sessions"),
    re_path(rf"{_LEAD}/intelligence/?$", insight.IntelligenceView.as_view(), name="api-lead-intelligence"),
    re_path(rf"{_LEAD}/adjustments/?$", adjustments.AdjustmentsView.as_view(), name="api-lead-adjustments"),
    re_path(rf"{_LEAD}/merge/?$", merges.MergeView.as_view(), name="api-lead-merge"),
    re_path(rf"{_LEAD}/unmerge/?$", merges.UnmergeView.as_view(), name="api-lead-unmerge"),
    re_path(rf"{_LEAD}/explain/?$", insight.ExplainView.as_view(), name="api-lead-explain"),
    re_path(r"^leaderboard/?$", leads.LeaderboardView.as_view(), name="api-leaderboard"),
    re_path(r"^analytics/overview/?$", analytics.OverviewView.as_view(), name="api-overview"),
    re_path(r"^analytics/throughput/?$", analytics.ThroughputView.as_view(), name="api-throughput"),
    re_path(r"^analytics/stages/?$", analytics.StagesView.as_view(), name="api-stages"),
    re_path(r"^rules/?$", rules.RulesView.as_view(), name="api-rules"),
    re_path(r"^rules/simulate/?$", rules.SimulateView.as_view(), name="api-rules-simulate"),
    re_path(r"^rulesets/?$", rules.RulesetsView.as_view(), name="api-rulesets"),
]
