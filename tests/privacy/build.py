"""A person of whom much is known, and where in the database anything of them is left."""

from uuid import UUID

from django.db import connection

from automation.models import Action, Automation
from ingest.models import Project
from tests.builders import Caller, drain_all

STRINGS = (
    "Grace Hopper", "grace@navy.example", "Navy Yard", "grace-1", "browser-77", "crm-9", "cobol", "session-5",
    "secret-event", "203.0.113.9", "grace-campaign",
)  # fmt: skip
"""What says who the person is: names, ids, values of properties, sessions, ids of events."""


def make_grace(caller: Caller, project: Project) -> str:
    """Make a person of two merged leads, with everything that there is to be known of one; return the lead's id."""
    automation = Automation.objects.create(project=project, name="Tell", to_stage="warm")
    Action.objects.create(automation=automation, kind=Action.Kind.EMAIL, recipients="sales@example.com")
    context = {"campaign": {"name": "grace-campaign"}, "ip": "203.0.113.9"}
    anonymous = {"anonymousId": "browser-77", "sessionId": "session-5", "context": context}
    caller.track("page_view", eventId="secret-event-1", properties={"path": "/cobol"}, **anonymous)
    caller.track("signup", eventId="secret-event-2", userId="grace-1", externalIds={"crm": "crm-9"})
    joined = caller.track(
        "identify",
        eventId="secret-event-3",
        userId="grace-1",
        anonymousId="browser-77",
        traits={"email": "grace@navy.example", "name": "Grace Hopper", "company": "Navy Yard", "likes": "cobol"},
    )
    drain_all()
    lead_id = str(joined.json()["leadId"])
    caller.post(f"/api/leads/{lead_id}/adjustments", {"points": 30, "reason": "Grace Hopper called"})
    drain_all()
    caller.track("webinar_attendance", eventId="secret-event-4", email="grace@navy.example")
    return lead_id


def found_in_database(strings: tuple[str, ...]) -> list[str]:
    """Return where any of these strings stands in any column of any table, as `table.column: string`."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            quoted = connection.ops.quote_name
            for column in columns:
                for text in strings:
                    cursor.execute(
                        f"SELECT COUNT(*) FROM {quoted(table)} WHERE LOWER(CAST({quoted(column)} AS TEXT)) LIKE %s",
                        [f"%{text.lower()}%"],
                    )
                    if cursor.fetchone()[0]:
                        found.append(f"{table}.{column}: {text}")
    return found


def ids_of(lead_ids: list[UUID]) -> tuple[str, ...]:
    """Return ids as either database writes them."""
    return tuple(text for lead_id in lead_ids for text in (str(lead_id), lead_id.hex))
