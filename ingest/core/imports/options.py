"""What may be said about a file that is imported. What is not said is found out, or asked for; nothing is guessed."""

import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ingest.core.events import Problem, Refused, refusal_of
from ingest.core.imports.encodings import ENCODINGS
from ingest.core.imports.moments import DateOrder

Kind = Literal["leads", "events"]
Format = Literal["csv", "jsonl"]


def _encoding(name: str) -> str:
    known = {"latin-1": "iso-8859-1", "latin1": "iso-8859-1", "cp1252": "windows-1252", "utf-16": "utf-16-le"}
    name = known.get(name.strip().lower(), name.strip().lower())
    if name not in ENCODINGS:
        raise ValueError(f"must be one of {', '.join(ENCODINGS)}")
    return name


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("must be a time zone such as Europe/Berlin or UTC")
    return name


class ImportOptions(BaseModel):
    """How to read a file; a field that is null or missing is found out."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    format: Annotated[Format | None, Field(description="By default found out.")] = None
    encoding: Annotated[
        Annotated[str, AfterValidator(_encoding)] | None,
        Field(description="By default UTF-8 or UTF-16 if it is that, else windows-1252."),
    ] = None
    delimiter: Annotated[Literal[",", ";", "\t", "|"] | None, Field(description="Between the cells of a CSV.")] = None
    quote: Annotated[Literal['"', "'"] | None, Field(description="Around cells of a CSV.")] = None
    escape: Annotated[
        Literal["\\"] | None, Field(description="Set when a quotation mark in a cell is escaped, not doubled.")
    ] = None
    has_header: Annotated[
        bool | None, Field(alias="hasHeader", description="Whether the first row of a CSV names the columns.")
    ] = None
    date_order: Annotated[
        DateOrder | None,
        Field(alias="dateOrder", description="What 03/04/2026 means. Required when the file does not tell."),
    ] = None
    time_zone: Annotated[
        Annotated[str, AfterValidator(_zone)] | None,
        Field(alias="timeZone", description="Of times that name none; by default the project's."),
    ] = None
    event_type: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")] | None,
        Field(alias="eventType", description="Of rows that have none of their own."),
    ] = None
    fire_automations: Annotated[
        bool, Field(alias="fireAutomations", description="Whether what is imported may set off automations.")
    ] = False


def parse_options(raw: Mapping[str, Any], *, pointer: str = "/options") -> ImportOptions:
    """Return options as programs and forms give them; raise `Refused` with a pointer to each that is wrong."""
    try:
        return ImportOptions.model_validate({name: value for name, value in raw.items() if value not in (None, "")})
    except ValidationError as error:
        refused = refusal_of(error)
        raise Refused(
            "invalid",
            tuple(Problem(pointer=pointer + found.pointer, detail=found.detail) for found in refused.problems),
        ) from None
