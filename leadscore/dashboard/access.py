"""Who sees what: every page of a project is for its members; for anybody else the project does not exist."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any, Concatenate
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from ingest import selectors
from ingest.models import Project, User
from scoring.core.timeline import Timeline
from scoring.timelines import timeline_of


class Page:
    """One request of a member to a project: what every page's frame needs, and how to render into it."""

    def __init__(self, request: HttpRequest, user: User, project: Project, projects: list[Project]) -> None:
        self.request = request
        self.user = user
        self.project = project
        self.projects = projects
        self.htmx = HtmxDetails(request)

    @functools.cached_property
    def timeline(self) -> Timeline:
        """Return the rules in force, asked for once, so that all parts of a page tell of the same."""
        return timeline_of(self.project.pk)

    @property
    def wants_fragment(self) -> bool:
        """Return whether a script asked for the part that changes, not a browser for the page."""
        return bool(self.htmx) and not self.htmx.history_restore_request

    def live(self, part: str, page: str, **context: Any) -> HttpResponse:
        """Return a page that keeps itself up to date: to a script only its `part`, or 204 if nothing changed.

        The part carries a digest of what it shows and sends it with the next request.
        """
        seen = digest_of(context)
        if self.wants_fragment and self.request.GET.get("seen") == seen:
            return HttpResponse(status=204)
        return self.render(part if self.wants_fragment else page, seen=seen, **context)

    def reload(self) -> HttpResponse:
        """Return what makes a script load the whole page anew."""
        return HttpResponseClientRefresh()

    def move(self, address: str) -> HttpResponse:
        """Return what leads to another page, also when a script asked for a part of this one."""
        return HttpResponseClientRedirect(address) if self.wants_fragment else redirect(address)

    def fragment(self, template: str, **context: Any) -> str:
        """Return the text of a fragment, to be joined with others."""
        frame = {"project": self.project, **context}
        return render_to_string(f"dashboard/{template}.html", frame, request=self.request)

    def render(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return the page or fragment `template` with the frame's context added."""
        frame = {"project": self.project, "projects": self.projects}
        response = render(self.request, f"dashboard/{template}.html", {**frame, **context}, status=status)
        patch_vary_headers(response, ["HX-Request"])
        return response


def digest_of(context: dict[str, Any]) -> str:
    """Return a digest that changes when anything in a page's context does."""
    content = repr([(name, _content(value)) for name, value in sorted(context.items())])
    return hashlib.blake2b(content.encode(), digest_size=9).hexdigest()


def _content(value: object) -> object:
    if isinstance(value, Model):
        return {name: held for name, held in vars(value).items() if not name.startswith("_")}
    if isinstance(value, (list, tuple)):
        return [_content(each) for each in value]
    return value


def project_page(
    view: Callable[Concatenate[Page, ...], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Decorate a view so that it gets a `Page` of a project the user is a member of.

    Not logged in: to the log-in. Not a member, or no such project: 404, the two being indistinguishable.
    Times are shown in the project's time zone.
    """

    @functools.wraps(view)
    @never_cache
    def wrapped(request: HttpRequest, project_id: UUID, **arguments: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return _to_login(request)
        projects = list(selectors.projects_of(request.user))
        project = next((project for project in projects if project.id == project_id), None)
        if project is None:
            raise Http404
        with timezone.override(ZoneInfo(project.time_zone)):
            return view(Page(request, request.user, project, projects), **arguments)

    return wrapped


def _to_login(request: HttpRequest) -> HttpResponse:
    htmx = HtmxDetails(request)
    if not htmx:
        return redirect_to_login(request.get_full_path())
    # A redirect would be followed by the script and put the log-in form into a fragment: move the whole page.
    return HttpResponseClientRedirect(redirect_to_login(htmx.current_url_abs_path or "/").url)
