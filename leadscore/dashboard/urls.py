"""The addresses of the pages people see. Each answers with and without a slash at its end."""

from collections.abc import Callable

from django.contrib.auth.views import LogoutView
from django.http import HttpResponseBase
from django.urls import URLPattern, path

from leadscore.dashboard import (
    downloads,
    exclusions,
    importing,
    integrations,
    merging,
    prediction,
    privacy,
    publishing,
    views,
)


def page(route: str, view: Callable[..., HttpResponseBase], name: str) -> list[URLPattern]:
    """Return the patterns of a page: the spelling that links use has the name."""
    return [path(route, view, name=name), path(f"{route}/", view)]


urlpatterns = [
    # Without a project the overview is the first project's: it is where a log-in leads.
    path("", views.first_project, name="overview"),
    *page("login", views.LogIn.as_view(), "login"),
    *page("logout", LogoutView.as_view(), "logout"),
    *page("p/<uuid:project_id>", views.overview, "overview"),
    *page("p/<uuid:project_id>/leads", views.lead_list, "lead_list"),
    *page("p/<uuid:project_id>/leads/export", downloads.lead_export, "lead_export"),
    *page("p/<uuid:project_id>/leads/<uuid:lead_id>", views.lead_page, "lead_page"),
    *page("p/<uuid:project_id>/leads/<uuid:lead_id>/export", privacy.lead_export, "lead_export"),
    *page("p/<uuid:project_id>/leads/<uuid:lead_id>/erase", privacy.lead_erase, "lead_erase"),
    *page("p/<uuid:project_id>/privacy", privacy.privacy, "privacy"),
    *page("p/<uuid:project_id>/leads/<uuid:lead_id>/merge", merging.lead_merge, "lead_merge"),
    *page("p/<uuid:project_id>/leads/<uuid:lead_id>/separate", merging.lead_separate, "lead_separate"),
    *page("p/<uuid:project_id>/duplicates", merging.duplicates, "duplicates"),
    *page("p/<uuid:project_id>/duplicates/dismiss", merging.duplicates_dismiss, "duplicates_dismiss"),
    *page("p/<uuid:project_id>/leads/<uuid:lead_id>/visits", views.lead_visits, "lead_visits"),
    *page(
        "p/<uuid:project_id>/leads/<uuid:lead_id>/events/<uuid:event_key>/counts",
        exclusions.event_counts,
        "event_counts",
    ),
    *page("p/<uuid:project_id>/exclusions", exclusions.exclusions, "exclusions"),
    *page("p/<uuid:project_id>/exclusions/<uuid:ruling_id>/apply", exclusions.exclusions_apply, "exclusions_apply"),
    *page("p/<uuid:project_id>/leaderboard", views.leaderboard, "leaderboard"),
    *page("p/<uuid:project_id>/automations", views.automation_list, "automation_list"),
    *page("p/<uuid:project_id>/rules", publishing.rules, "rules"),
    *page("p/<uuid:project_id>/rules/preview", publishing.rules_preview, "rules_preview"),
    *page("p/<uuid:project_id>/rules/publish", publishing.rules_publish, "rules_publish"),
    *page("p/<uuid:project_id>/rules/<int:number>/roll-back", publishing.rules_roll_back, "rules_roll_back"),
    *page("p/<uuid:project_id>/rules/<int:number>/draft", publishing.rules_restore_draft, "rules_restore_draft"),
    *page("p/<uuid:project_id>/prediction", prediction.prediction, "prediction"),
    *page("p/<uuid:project_id>/prediction/<uuid:report_id>/draft", prediction.prediction_draft, "prediction_draft"),
    *page("p/<uuid:project_id>/integrations", integrations.integrations, "integrations"),
    *page("p/<uuid:project_id>/imports", importing.imports_page, "imports"),
    *page("p/<uuid:project_id>/imports/<uuid:import_id>", importing.import_page, "import"),
    *page("p/<uuid:project_id>/imports/<uuid:import_id>/start", importing.import_start, "import_start"),
    *page("p/<uuid:project_id>/imports/<uuid:import_id>/cancel", importing.import_cancel, "import_cancel"),
    *page("p/<uuid:project_id>/imports/<uuid:import_id>/rejected", importing.import_rejected, "import_rejected"),
    *page("p/<uuid:project_id>/export", downloads.project_export, "project_export"),
    *page("p/<uuid:project_id>/fire", views.fire_event, "fire_event"),
    *page("p/<uuid:project_id>/fire/candidates", views.fire_candidates, "fire_candidates"),
    *page("p/<uuid:project_id>/fire/watch/<uuid:lead_id>", views.fire_watch, "fire_watch"),
]
