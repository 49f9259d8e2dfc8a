"""Leads as clients describe them: what may be said of one, checked."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ingest.core.events import checked_tree, parse_body, valid_email
from ingest.core.identity import MAX_LENGTH, Name, is_email, normal_email
from ingest.core.profile import MAX_TRAITS


def _text(value: object) -> object:
    return value.replace("\x00", "").strip() if isinstance(value, str) else value


Text = Annotated[Annotated[str, Field(max_length=200)] | None, BeforeValidator(_text)]
Address = Annotated[Annotated[str, Field(max_length=MAX_LENGTH)] | None, BeforeValidator(_text)]
Identifier = Annotated[Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)] | None, BeforeValidator(_text)]


class LeadFields(BaseModel):
    """What a client may say of a lead; everything else about it follows from its events."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Text = None
    email: Address = None
    company: Text = None
    user_id: Annotated[Identifier, Field(alias="userId")] = None
    anonymous_id: Annotated[Identifier, Field(alias="anonymousId")] = None
    traits: Annotated[dict[str, Any], Field(max_length=MAX_TRAITS)] | None = None


class OtherLead(BaseModel):
    """Another lead, to be merged with or separated from."""

    model_config = ConfigDict(strict=True, extra="forbid")

    other_id: Annotated[
        Annotated[str, Field(min_length=1, max_length=100)], BeforeValidator(_text), Field(alias="otherId")
    ]


def parse_other_lead(body: bytes) -> str:
    """Return the `otherId` of a request body; raise `Refused`."""
    return parse_body(OtherLead, body).other_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadDescription:
    """Names that a lead shall answer to, and traits to set; a trait that is `None` is to be forgotten."""

    names: tuple[Name, ...]
    traits: dict[str, Any] = field(default_factory=dict)


def parse_lead(body: bytes) -> LeadDescription:
    """Return what a request body says of a lead; raise `Refused`. Fields that are absent stay as they are."""
    fields = parse_body(LeadFields, body)
    names = []
    if fields.user_id:
        names.append(Name("user_id", fields.user_id))
    email = valid_email(fields.email, pointer="/email") if fields.email else None
    if email:
        names.append(Name("email", email))
    if fields.anonymous_id:
        names.append(Name("anonymous_id", fields.anonymous_id))
    traits = checked_tree("traits", fields.traits) if fields.traits else {}
    if "email" not in fields.model_fields_set and isinstance(told := traits.get("email"), str) and is_email(told):
        names.append(Name("email", normal_email(told)))
    for name, value in (("name", fields.name), ("email", email), ("company", fields.company)):
        if name in fields.model_fields_set:
            traits[name] = value or None
    return LeadDescription(names=tuple(names), traits=traits)
