"""The destination that stores: projects with their rules and keys, and events, through the ordinary services."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from automation.selectors import automations_of
from ingest import database
from ingest.core.events import IncomingEvent
from ingest.core.keys import KeyKind
from ingest.models import Project, User
from ingest.selectors import places_of_events
from ingest.services.events import record
from ingest.services.keys import KeyTaken, issue_key, keep_write_key
from ingest.services.projects import add_member, create_project
from leadscore.legacy.transfer import Fate, Opened, RulesUnusable, fate_of, in_project, project_by_names
from leadscore.legacy.translation import LegacyEvent, LegacyLead, LegacyProject, Skip, lead_event_id
from scoring.core.schema import RulesetSpec
from scoring.services.publication import replace_and_publish
from scoring.services.rulesets import NothingChanged, Published

NOTE = "Taken over from the Node.js original"


class AutomationsWouldFire(Exception):
    """A later run has new events for a project whose automations would act on them, although they are old."""

    def __init__(self, project: LegacyProject) -> None:
        super().__init__(
            f"“{project.name}” has active automations by now, which would act on events of the past. "
            "Switch them off in the admin, run this again, and switch them on afterwards."
        )


@dataclass(slots=True, kw_only=True)
class Storage:
    """What is stored goes into the log with its own times, received now."""

    keep_keys: bool
    member: User | None
    clock: Callable[[], datetime]
    _quiet: dict[UUID, bool] = field(default_factory=dict)

    def open_project(self, project: LegacyProject, spec: RulesetSpec | None) -> Opened | None:
        """Make a project with its rules in force and its keys, all or nothing."""
        now = self.clock()

        def work() -> Opened | None:
            if Project.objects.filter(pk=project.id).exists():
                return None
            create_project(project.name, project_id=project.id, now=now)
            if spec is not None:
                outcome = replace_and_publish(project.id, spec, by=None, note=NOTE, applies_from=None, now=now)
                if not isinstance(outcome, Published | NothingChanged):
                    raise RulesUnusable(f"The rules of “{project.name}” cannot be published: {outcome}.")
            if self.member is not None:
                add_member(project.id, self.member)
            _, write = issue_key(project.id, KeyKind.WRITE, name="First write key")
            _, secret = issue_key(project.id, KeyKind.SECRET, name="First secret key")
            return Opened(project=project, write_key=write.token, secret_key=secret.token, kept=self._keep_key(project))

        return database.unit_of_work(work)

    def _keep_key(self, project: LegacyProject) -> str:
        if not self.keep_keys:
            return ""
        if project.key is None:
            return "the old key is none that can be kept"
        kept = keep_write_key(
            project.id,
            project.key,
            name="Of the Node.js original",
            events_per_minute=project.per_minute,
            active=project.active,
        )
        if isinstance(kept, KeyTaken):
            return f"the old key opens another project already ({kept.project_id})"
        return f"the old key {kept.hint}… " + ("still sends events" if kept.active else "is kept, but inactive")

    def store_leads(self, project: LegacyProject, leads: Sequence[LegacyLead]) -> list[Fate]:
        """Store the events that make these leads known."""
        return self._record(project, [lead.event for lead in leads])

    def store_events(self, projects: Mapping[str, LegacyProject], events: Sequence[LegacyEvent]) -> list[Fate]:
        """Store events with the leads they name, else with whom their identifiers mean."""
        by_id = {project.id: project for project in projects.values()}
        wanted = {lead_event_id(event.lead) for event in events if event.lead is not None}
        places = places_of_events(by_id.keys(), wanted)
        fates: list[Fate] = [Skip(reason="")] * len(events)
        placed: dict[str, list[tuple[int, IncomingEvent]]] = defaultdict(list)
        for index, event in enumerate(events):
            place = places.get(lead_event_id(event.lead)) if event.lead is not None else None
            if place is not None:
                placed[by_id[place[0]].oid].append((index, in_project(event.event, str(place[1]))))
            elif isinstance(project := project_by_names(event, projects), Skip):
                fates[index] = project
            else:
                placed[project.oid].append((index, event.event))
        for oid, own in placed.items():
            for (index, _), fate in zip(own, self._record(projects[oid], [each for _, each in own]), strict=True):
                fates[index] = fate
        return fates

    def _record(self, project: LegacyProject, events: Sequence[IncomingEvent]) -> list[Fate]:
        if not self._is_quiet(project):
            named = {event.event_id for event in events if event.event_id}
            if named - places_of_events([project.id], named).keys():
                raise AutomationsWouldFire(project)
        return [fate_of(outcome) for outcome in record(project.id, events, now=self.clock())]

    def _is_quiet(self, project: LegacyProject) -> bool:
        """Return whether nothing in the project would act on its events; looked up once a run."""
        if project.id not in self._quiet:
            self._quiet[project.id] = not any(automation.active for automation in automations_of(project.id))
        return self._quiet[project.id]
