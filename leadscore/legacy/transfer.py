"""Take the original's documents over: read, translate, and store through the services that everything is stored by.

A second run changes nothing that the first has stored: projects, leads and events have ids that follow from the
original's own.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol, TypeVar

from ingest.core.events import IncomingEvent, Refused
from leadscore.legacy.source import Source
from leadscore.legacy.translation import (
    NO_PROJECT,
    Document,
    LegacyEvent,
    LegacyLead,
    LegacyProject,
    Skip,
    event_of,
    lead_of,
    project_of,
    rules_of,
    ruleset_of,
    step_of,
)
from scoring.core.ruleset import RulesetInvalid, parse_ruleset
from scoring.core.schema import RulesetSpec

T = TypeVar("T")

BATCH = 1_000
COLLECTIONS = ("projects", "scoringrules", "leads", "events", "scorehistories")
UNNAMED = "Leads of no project"


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the documents of one collection: counts, and per reason how many."""

    read: int = 0
    stored: int = 0
    known: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Past:
    """What the original says of a lead's score besides the score: its history, and events that it never scored."""

    steps: int = 0
    sum: Decimal = Decimal(0)
    events: int = 0
    unscored: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A project that was made now, with its keys; `kept` says what became of the old one, in words."""

    project: LegacyProject
    write_key: str
    secret_key: str
    kept: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An event that is stored, now or since an earlier run."""

    known: bool


Fate = Stored | Skip


class Destination(Protocol):
    """Where projects, leads and events go."""

    def open_project(self, project: LegacyProject, spec: RulesetSpec | None) -> Opened | None:
        """Make a project with these rules, or its own where there are none; `None` if it is there already."""

    def store_leads(self, project: LegacyProject, leads: Sequence[LegacyLead]) -> list[Fate]:
        """Store the events that make these leads known, and say what became of each."""

    def store_events(self, projects: Mapping[str, LegacyProject], events: Sequence[LegacyEvent]) -> list[Fate]:
        """Store events, each with the lead it names, and say what became of each."""


@dataclass(slots=True, kw_only=True)
class Transfer:
    """One run: where from, where to, and what has become of everything so far."""

    source: Source
    destination: Destination
    stages: Mapping[str, Decimal]
    opened: Callable[[Opened], None]
    progress: Callable[[int], None]
    tallies: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in COLLECTIONS})
    projects: dict[str, LegacyProject] = field(default_factory=dict)
    pasts: dict[str, Past] = field(default_factory=lambda: defaultdict(Past))
    rules: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)

    def run(self) -> None:
        """Take over everything but the histories, which are only read, for the comparison."""
        self._take_rules()
        self._take_projects()
        for leads in self._batches("leads", lead_of):
            self._take_leads(leads)
        for events in self._batches("events", event_of):
            self._take_events(events)
        for steps in self._batches("scorehistories", step_of):
            for step in steps:
                past = self.pasts[step.lead]
                past.steps += 1
                past.sum += step.delta

    def untouched(self) -> dict[str, int]:
        """Return the collections that are not taken over, with how many documents each has."""
        others = [name for name in self.source.collections() if name not in COLLECTIONS]
        return {name: sum(1 for _ in self.source.documents(name)) for name in others}

    # --- Projects and rules -----------------------------------------------------------------------------------------

    def _take_rules(self) -> None:
        tally = self.tallies["scoringrules"]
        documents = list(self.source.documents("scoringrules"))
        self.rules, skipped = rules_of(documents)
        tally.read, tally.stored = len(documents), len(self.rules)
        tally.skipped.update(skip.reason for skip in skipped)

    def _take_projects(self) -> None:
        for projects in self._batches("projects", project_of):
            for project in projects:
                known = self._open(project)
                self._note("projects", Stored(known=known))

    def _open(self, project: LegacyProject) -> bool:
        """Make a project and return whether it was there already."""
        opened = self.destination.open_project(project, self._spec_of(project))
        self.projects[project.oid] = project
        if opened is not None:
            self.opened(opened)
        return opened is None

    def _spec_of(self, project: LegacyProject) -> RulesetSpec | None:
        rules = [rule for owner, rule in self.rules if owner in (None, project.oid)]
        if not rules:
            return None
        try:
            return parse_ruleset(ruleset_of(rules, self.stages))
        except RulesetInvalid as invalid:
            told = "; ".join(f"{pointer} {detail}" for pointer, detail in invalid.errors[:5])
            raise RulesUnusable(f"The rules cannot be taken over as they are: {told}.") from invalid

    # --- Leads and events -------------------------------------------------------------------------------------------

    def _take_leads(self, leads: Sequence[LegacyLead]) -> None:
        by_project: dict[str, list[LegacyLead]] = defaultdict(list)
        for lead in leads:
            by_project[lead.project].append(lead)
        if NO_PROJECT in by_project:
            self._open_for_the_unowned()
        for oid, own in by_project.items():
            project = self.projects.get(oid)
            if project is None:
                fates: list[Fate] = [Skip(reason="belong to a project that is not there")] * len(own)
            else:
                fates = self.destination.store_leads(project, own)
            for fate in fates:
                self._note("leads", fate)

    def _take_events(self, events: Sequence[LegacyEvent]) -> None:
        if any(event.lead is None and event.project is None for event in events):
            self._open_for_the_unowned()
        for event, fate in zip(events, self.destination.store_events(self.projects, events), strict=True):
            self._note("events", fate)
            if event.note and fate == Stored(known=False):
                self.tallies["events"].notes[event.note] += 1
            if event.lead is not None:
                past = self.pasts[event.lead]
                past.events += 1
                past.unscored += not event.scored
                past.refused += isinstance(fate, Skip)

    def _open_for_the_unowned(self) -> None:
        if NO_PROJECT not in self.projects:
            self._open(LegacyProject(oid=NO_PROJECT, name=UNNAMED))

    # --- Documents --------------------------------------------------------------------------------------------------

    def _batches(self, collection: str, translate: Callable[[Document], T | Skip]) -> Iterator[list[T]]:
        """Yield the documents of a collection as `translate` has them, so many at a time; note those it cannot."""
        tally = self.tallies[collection]
        for documents in _chunks(self.source.documents(collection)):
            usable = []
            for document in documents:
                translated = translate(document)
                if isinstance(translated, Skip):
                    tally.skipped[translated.reason] += 1
                else:
                    usable.append(translated)
            tally.read += len(documents)
            yield usable
            self.progress(len(documents))

    def _note(self, collection: str, fate: Fate) -> None:
        tally = self.tallies[collection]
        if isinstance(fate, Skip):
            tally.skipped[fate.reason] += 1
        elif fate.known:
            tally.known += 1
        else:
            tally.stored += 1


class RulesUnusable(Exception):
    """The original's rules make no ruleset, for a reason in words."""


@dataclass(slots=True)
class Rehearsal:
    """A destination that stores nothing and says what would become of everything in an empty database."""

    leads: set[str] = field(default_factory=set)

    def open_project(self, project: LegacyProject, spec: RulesetSpec | None) -> None:
        return None

    def store_leads(self, project: LegacyProject, leads: Sequence[LegacyLead]) -> list[Fate]:
        self.leads.update(lead.oid for lead in leads)
        return [Stored(known=False)] * len(leads)

    def store_events(self, projects: Mapping[str, LegacyProject], events: Sequence[LegacyEvent]) -> list[Fate]:
        return [self._fate(event, projects) for event in events]

    def _fate(self, event: LegacyEvent, projects: Mapping[str, LegacyProject]) -> Fate:
        place = None if event.lead in self.leads else project_by_names(event, projects)
        return place if isinstance(place, Skip) else Stored(known=False)


def project_by_names(event: LegacyEvent, projects: Mapping[str, LegacyProject]) -> LegacyProject | Skip:
    """Return the project of an event whose lead is not there, and whose names must say whose it is."""
    if not event.event.names:
        return Skip(reason="belong to a lead that is not there")
    project = projects.get(event.project or NO_PROJECT)
    return project or Skip(reason="belong to a project that is not there")


def in_project(event: IncomingEvent, lead_id: str) -> IncomingEvent:
    """Return the event as one of a lead that is known by its id."""
    return replace(event, lead_id=lead_id, names=())


def fate_of(outcome: object) -> Fate:
    """Return what the service that records events said, as what became of the document."""
    if isinstance(outcome, Refused):
        return Skip(reason=f"refused: {outcome.detail}")
    return Stored(known=bool(getattr(outcome, "duplicate", False)))


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    remaining = iter(documents)
    while chunk := list(islice(remaining, BATCH)):
        yield chunk
