"""The routes about imports: send a file, look at one without importing it, and see what became of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import selectors
from ingest.api.authentication import key_of, project_id_of
from ingest.api.bodies import parts_of_body
from ingest.api.errors import RequestRefused, not_found, refusal
from ingest.api.lists import list_response
from ingest.api.schema import ProblemSerializer
from ingest.core.events import Problem, Refused
from ingest.core.imports.inspection import Inspection, kind_of
from ingest.core.imports.options import ImportOptions, Kind, parse_options
from ingest.core.imports.rows import Rejected, Row
from ingest.models import Import
from ingest.services import imports

SHOWN_REJECTED = 20
_MEGABYTE = 1024 * 1024
_OF_OURS = {"kind", "mapping", "options", "fileName"}


class ImportFileSerializer(serializers.Serializer[Any]):
    """The form to send a file with. Or send the file as the body and the rest as query parameters."""

    file = serializers.FileField(help_text="CSV or JSON Lines.")
    kind = serializers.ChoiceField(choices=["leads", "events"])
    mapping = serializers.CharField(
        required=False,
        help_text="JSON: what columns are, by their names, such as {“E-Mail”: “email”, “Plan”: “properties.plan”}.",
    )
    options = serializers.CharField(required=False, help_text="JSON: format, encoding, delimiter, dateOrder and so on.")


class RejectedRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Where the row begins in the file, from 1.")
    reason = serializers.CharField()
    row = serializers.CharField(help_text="As it stands in the file.")


class ImportSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["leads", "events"])
    status = serializers.ChoiceField(choices=["uploaded", "running", "done", "cancelled", "failed"])
    fileName = serializers.CharField()
    size = serializers.IntegerField(help_text="In bytes.")
    progress = serializers.FloatField(help_text="From 0 to 1.")
    read = serializers.IntegerField()
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="Rows that are in the log already.")
    rejected = serializers.IntegerField()
    rejectedUrl = serializers.URLField(help_text="All rejected rows as a CSV.")
    error = serializers.CharField(allow_null=True)
    options = serializers.DictField()
    mapping = serializers.DictField(child=serializers.CharField())
    createdAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)


class ImportWithRowsSerializer(ImportSerializer):
    rejectedRows = RejectedRowSerializer(many=True, help_text="The first ones.")


class ImportListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ImportSerializer(many=True)


class ImportPreviewSerializer(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=["csv", "jsonl"])
    encoding = serializers.CharField()
    delimiter = serializers.CharField(allow_null=True)
    hasHeader = serializers.BooleanField()
    dateOrder = serializers.CharField(allow_null=True)
    timeZone = serializers.CharField()
    mapping = serializers.DictField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.DictField(), help_text="What the first rows would be.")
    problems = serializers.ListField(child=serializers.DictField(), help_text="What has to be said first.")
    notes = serializers.ListField(child=serializers.CharField())


_PARAMETERS = [
    OpenApiParameter("kind", str, enum=["leads", "events"], description="With the file as the body."),
    OpenApiParameter("mapping", str, description="With the file as the body: JSON."),
    OpenApiParameter("fileName", str, description="With the file as the body."),
]
_REQUEST = {
    "multipart/form-data": ImportFileSerializer,
    "text/csv": OpenApiTypes.BINARY,
    "application/x-ndjson": OpenApiTypes.BINARY,
}
_PROBLEMS = {
    (400, "application/problem+json"): ProblemSerializer,
    (413, "application/problem+json"): ProblemSerializer,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A file as it was sent, and what was said about it."""

    parts: Iterable[bytes]
    file_name: str
    kind: Kind
    mapping: Mapping[str, str]
    options: ImportOptions


class _TakesFile(APIView):
    def look(self, request: Request) -> tuple[Import, Inspection, ImportOptions]:
        """Store the file of a request and look at it; of one that is refused nothing is kept."""
        try:
            sent = _sent(request)
            imported = imports.take_in(
                project_id_of(request),
                sent.parts,
                kind=sent.kind,
                file_name=sent.file_name,
                by=imports.Asker(key=key_of(request)),
                now=timezone.now(),
            )
        except Refused as refused:
            raise refusal(refused) from None
        try:
            found = imports.look_at(imported, sent.options, mapping=sent.mapping, now=timezone.now())
        except Refused as refused:
            imports.discard(imported)
            raise refusal(refused) from None
        return imported, found, sent.options


class ImportsView(_TakesFile):
    """`POST` begins an import; `GET` lists them."""

    @extend_schema(
        operation_id="create_import",
        tags=["Imports"],
        parameters=_PARAMETERS,
        request=_REQUEST,
        responses={202: ImportSerializer, **_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        imported, found, options = self.look(request)
        try:
            imported = imports.start(imported, options, found, now=timezone.now())
        except Refused as refused:
            imports.discard(imported)
            raise refusal(refused) from None
        return Response(represent_import(imported, request), status=202)

    @extend_schema(
        operation_id="list_imports",
        tags=["Imports"],
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses={200: ImportListSerializer},
    )
    def get(self, request: Request) -> Response:
        project_id = project_id_of(request)
        return list_response(
            request,
            lambda cursor, limit: selectors.imports_page(project_id, cursor=cursor, limit=limit),
            lambda imported: represent_import(imported, request),
        )


class ImportPreviewView(_TakesFile):
    """What a file is taken for, and what its first rows would be. Nothing is stored."""

    @extend_schema(
        operation_id="preview_import",
        tags=["Imports"],
        parameters=_PARAMETERS,
        request=_REQUEST,
        responses={200: ImportPreviewSerializer, **_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        imported, found, _ = self.look(request)
        imports.discard(imported)
        layout = found.layout
        return Response(
            {
                "format": layout.format,
                "encoding": layout.encoding,
                "delimiter": layout.dialect.delimiter if layout.format == "csv" else None,
                "hasHeader": layout.has_header,
                "dateOrder": layout.date_order,
                "timeZone": layout.time_zone,
                "mapping": layout.mapping,
                "rows": [_represent_row(row) for row in found.rows],
                "problems": [{"pointer": each.pointer, "detail": each.detail} for each in found.problems],
                "notes": found.notes,
            }
        )


class ImportView(APIView):
    """One import: how far it is, and the first rows that were not taken."""

    @extend_schema(operation_id="get_import", tags=["Imports"], responses={200: ImportWithRowsSerializer})
    def get(self, request: Request, import_id: str) -> Response:
        imported = _import(request, import_id)
        rows = selectors.rejected_rows(imported.pk, limit=SHOWN_REJECTED)
        shown = [{"line": row.line, "reason": row.reason, "row": row.raw} for row in rows]
        return Response(represent_import(imported, request) | {"rejectedRows": shown})


class CancelView(APIView):
    """End an import that is under way. What is stored stays stored."""

    @extend_schema(operation_id="cancel_import", tags=["Imports"], request=None, responses={200: ImportSerializer})
    def post(self, request: Request, import_id: str) -> Response:
        imported = _import(request, import_id)
        imports.cancel(imported, now=timezone.now())
        return Response(represent_import(_import(request, import_id), request))


class RejectedView(APIView):
    """The rows that were not taken, as a CSV: line, reason, row."""

    @extend_schema(
        operation_id="list_rejected_rows", tags=["Imports"], responses={(200, "text/csv"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, import_id: str) -> HttpResponseBase:
        return rejected_response(_import(request, import_id))


def rejected_response(imported: Import) -> StreamingHttpResponse:
    """Return an import's rejected rows as a file to download."""
    response = StreamingHttpResponse(selectors.rejected_as_csv(imported.pk), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejected-{imported.pk}.csv"'
    return response


def represent_import(imported: Import, request: Request) -> dict[str, Any]:
    """Return an import as the API shows it."""
    return {
        "id": str(imported.pk),
        "kind": imported.kind,
        "status": imported.status,
        "fileName": imported.file_name,
        "size": imported.size,
        "progress": progress_of(imported),
        "read": imported.read,
        "accepted": imported.accepted,
        "duplicates": imported.duplicates,
        "rejected": imported.rejected,
        "rejectedUrl": request.build_absolute_uri(f"/api/imports/{imported.pk}/rejected"),
        "error": imported.error or None,
        "options": imported.options,
        "mapping": imported.layout.get("mapping", {}),
        "createdAt": imported.created_at,
        "finishedAt": imported.finished_at,
    }


def progress_of(imported: Import) -> float:
    """Return which share of its file an import has stored."""
    if imported.status == Import.Status.DONE or not imported.size:
        return 1.0
    return round(imported.position / imported.size, 4)


def _represent_row(row: Row | Rejected) -> dict[str, Any]:
    if isinstance(row, Rejected):
        return {"line": row.line, "rejected": row.reason}
    event = row.event
    return {
        "line": row.line,
        "who": {name.kind: name.value for name in event.names} | ({"lead_id": event.lead_id} if event.lead_id else {}),
        "eventType": event.event_type,
        "timestamp": event.timestamp,
        "properties": event.properties,
        "traits": event.traits,
    }


def _import(request: Request, import_id: str) -> Import:
    imported = selectors.import_of(project_id_of(request), import_id)
    if imported is None:
        raise not_found("import")
    return imported


def _sent(request: Request) -> _Sent:
    if request.content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return _form(request)
    query = request.query_params
    others = {name: value for name, value in query.items() if name not in _OF_OURS}
    return _Sent(
        parts=parts_of_body(request, limit=settings.IMPORT_MAX_MEGABYTES * _MEGABYTE),
        file_name=query.get("fileName", "body"),
        kind=kind_of(query.get("kind", "")),
        mapping=_mapping(query.get("mapping", "")),
        options=parse_options(_object(query.get("options", ""), "/options") | others),
    )


def _form(request: Request) -> _Sent:
    limit = settings.IMPORT_MAX_MEGABYTES * _MEGABYTE
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise RequestRefused("invalid", "The Content-Length is not a number.") from None
    if announced > limit:
        raise RequestRefused("too_large", f"The body is larger than {limit:,} bytes.", status_code=413)
    try:
        form, files = request._request.POST, request._request.FILES
    except MultiPartParserError:
        raise RequestRefused("invalid", "The body is no form that can be read.") from None
    file = files.get("file")
    if file is None:
        raise Refused("invalid", (Problem(pointer="/file", detail="is required: the file to import"),))
    return _Sent(
        parts=_chunks(file),
        file_name=file.name or "",
        kind=kind_of(form.get("kind", "")),
        mapping=_mapping(form.get("mapping", "")),
        options=parse_options(_object(form.get("options", ""), "/options")),
    )


def _chunks(file: Any) -> Iterator[bytes]:
    yield from file.chunks(_MEGABYTE)


def _mapping(text: str) -> dict[str, str]:
    mapping = _object(text, "/mapping")
    if not all(isinstance(target, str) for target in mapping.values()):
        raise Refused("invalid", (Problem(pointer="/mapping", detail="must map names of columns to text"),))
    return mapping


def _object(text: str, pointer: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refused("invalid", (Problem(pointer=pointer, detail="must be a JSON object"),))
    return value
