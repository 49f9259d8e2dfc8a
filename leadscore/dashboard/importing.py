"""The pages about imports: upload a file, see how it is read, say what is open, watch it being stored."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ingest import selectors
from ingest.api.imports import progress_of, rejected_response
from ingest.core.events import Refused
from ingest.core.imports.columns import FIELDS, default_target
from ingest.core.imports.encodings import ENCODINGS
from ingest.core.imports.inspection import Inspection, kind_of
from ingest.core.imports.options import ImportOptions, parse_options
from ingest.core.imports.rows import Rejected, Row
from ingest.models import Import
from ingest.pages import CursorInvalid
from ingest.services import imports
from leadscore.dashboard.access import Page, project_page

SHOWN_IMPORTS = 20
SHOWN_REJECTED = 20
LABELS = {
    "leadId": "Lead id",
    "userId": "User id",
    "email": "E-mail",
    "anonymousId": "Anonymous id",
    "eventType": "What happened",
    "timestamp": "When",
    "timeOfDay": "Time of day",
    "eventId": "Event id",
    "sessionId": "Session id",
    "traits.name": "Name",
    "traits.first_name": "First name",
    "traits.last_name": "Last name",
    "traits.company": "Company",
}
_FORM_OPTIONS = ("delimiter", "encoding", "dateOrder", "eventType")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a file as the form shows it, with what it may be."""

    name: str
    target: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A row as the preview shows it."""

    line: int
    who: str
    what: str
    when: Any
    rest: tuple[tuple[str, Any], ...]
    reason: str


@require_http_methods(["GET", "HEAD", "POST"])
@project_page
def imports_page(page: Page) -> HttpResponse:
    """Show what was imported; a POST takes a file in."""
    if page.request.method == "POST":
        return _take_in(page)
    return _list(page)


def _list(page: Page, *, error: str = "", status: int = 200) -> HttpResponse:
    try:
        found = selectors.imports_page(page.project.pk, cursor=page.request.GET.get("cursor"), limit=SHOWN_IMPORTS)
    except CursorInvalid:
        return redirect("imports", page.project.pk)
    return page.render(
        "imports",
        status=status,
        section="leads",
        error=error,
        imports=found.rows,
        next_url=found.next and f"?cursor={found.next}",
        previous_url=found.previous and f"?cursor={found.previous}",
        megabytes=settings.IMPORT_MAX_MEGABYTES,
    )


def _take_in(page: Page) -> HttpResponse:
    file = page.request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return _list(page, error="Choose a file first.", status=422)
    now = timezone.now()
    try:
        imported = imports.take_in(
            page.project.pk,
            file.chunks(),
            kind=kind_of(page.request.POST.get("kind", "")),
            file_name=file.name or "",
            by=imports.Asker(user=page.user),
            now=now,
        )
    except Refused as refused:
        return _list(page, error=_words(refused), status=422)
    try:
        imports.look_at(imported, ImportOptions(), now=now)
    except Refused as refused:
        imports.discard(imported)
        return _list(page, error=_words(refused), status=422)
    return redirect("import", page.project.pk, imported.pk)


@require_http_methods(["GET", "HEAD"])
@project_page
def import_page(page: Page, import_id: UUID) -> HttpResponse:
    """Show one import: before it begins how its file is read, afterwards how far it is."""
    imported = _import(page, import_id)
    if imported.status == Import.Status.UPLOADED:
        return _preview(page, imported, page.request.GET)
    return page.live(
        "_import",
        "import",
        section="leads",
        imported=imported,
        percent=round(100 * progress_of(imported)),
        rejected=selectors.rejected_rows(imported.pk, limit=SHOWN_REJECTED) if imported.rejected else [],
    )


def _preview(page: Page, imported: Import, said: QueryDict, *, status: int = 200) -> HttpResponse:
    error = ""
    try:
        options, found = _looked_at(imported, said)
    except Refused as refused:
        error, said = _words(refused), QueryDict()
        options, found = _looked_at(imported, said)
    return page.render(
        "_import_preview" if page.wants_fragment else "import_preview",
        status=status,
        section="leads",
        imported=imported,
        error=error,
        options=options,
        layout=found.layout,
        encodings=ENCODINGS,
        tab="\t",
        problems=[_sentence(each.pointer, each.detail) for each in found.problems],
        asks={each.pointer.rpartition("/")[2] for each in found.problems},
        notes=found.notes,
        columns=_columns(found),
        rows=[_shown(row) for row in found.rows],
    )


def _looked_at(imported: Import, said: QueryDict) -> tuple[ImportOptions, Inspection]:
    raw = {name: said.get(name) for name in _FORM_OPTIONS} | {"fireAutomations": said.get("fireAutomations") == "on"}
    if raw["delimiter"] == "tab":
        raw["delimiter"] = "\t"
    options = parse_options(raw)
    # Columns go by their names: with another separator there are others, and what was said of these is void.
    mapping = dict(zip(said.getlist("column"), said.getlist("target"), strict=False))
    plain = imports.look_at(imported, options, now=timezone.now())
    known = {column: target for column, target in mapping.items() if column in plain.layout.columns}
    return options, imports.look_at(imported, options, mapping=known, now=timezone.now()) if known else plain


@require_POST
@project_page
def import_start(page: Page, import_id: UUID) -> HttpResponse:
    """Begin to store a file as it was shown."""
    imported = _import(page, import_id)
    try:
        options, found = _looked_at(imported, page.request.POST)
        imports.start(imported, options, found, now=timezone.now())
    except Refused:
        return _preview(page, imported, page.request.POST, status=422)
    return redirect("import", page.project.pk, imported.pk)


@require_POST
@project_page
def import_cancel(page: Page, import_id: UUID) -> HttpResponse:
    """End an import, or forget a file that was only looked at."""
    imported = _import(page, import_id)
    if imported.status == Import.Status.UPLOADED:
        imports.discard(imported)
        return redirect("imports", page.project.pk)
    imports.cancel(imported, now=timezone.now())
    messages.info(page.request, "The import was cancelled. What had been stored stays.")
    return redirect("import", page.project.pk, imported.pk)


@require_safe
@project_page
def import_rejected(page: Page, import_id: UUID) -> HttpResponse:
    """Download the rows that were not taken."""
    response: HttpResponseBase = rejected_response(_import(page, import_id))
    return response  # type: ignore[return-value]  # a streamed answer is one, too


def _import(page: Page, import_id: UUID) -> Import:
    imported = selectors.import_of(page.project.pk, import_id)
    if imported is None:
        raise Http404
    return imported


def _columns(found: Inspection) -> tuple[Column, ...]:
    layout = found.layout
    traits = ("traits.name", "traits.first_name", "traits.last_name", "traits.company")
    usual = [(target, LABELS[target]) for target in (*FIELDS[layout.kind], *traits)]
    columns = []
    for name, target in layout.mapping.items():
        own = default_target(name, layout.kind)
        root, _, key = own.partition(".")
        choices = [*usual, (own, f"{'Trait' if root == 'traits' else 'Property'} {key}"), ("", "Leave it out")]
        if target not in dict(choices):
            choices.insert(0, (target, target))
        columns.append(Column(name=name, target=target, choices=tuple(dict(choices).items())))
    return tuple(columns)


def _shown(row: Row | Rejected) -> ShownRow:
    if isinstance(row, Rejected):
        return ShownRow(line=row.line, who="", what="", when=None, rest=(), reason=row.reason)
    event = row.event
    return ShownRow(
        line=row.line,
        who=", ".join(filter(None, [*(name.value for name in event.names), event.lead_id])),
        what=event.event_type if event.kind == "activity" else "",
        when=event.timestamp,
        rest=(*event.traits.items(), *event.properties.items()),
        reason="",
    )


def _words(refused: Refused) -> str:
    return " ".join(_sentence(each.pointer, each.detail) for each in refused.problems)


def _sentence(pointer: str, detail: str) -> str:
    names = {
        "/file": "The file",
        "/kind": "The kind",
        "/options/dateOrder": "The order of day and month",
        "/options/eventType": "What happened",
        "/mapping": "The file",
    }
    return f"{names.get(pointer) or '“' + pointer.rpartition('/')[2] + '”'} {detail}."
