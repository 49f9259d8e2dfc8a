"""Writing rows and units of work, on whichever engine the tests run."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from ingest import database
from ingest.database.values import json_text
from ingest.ids import new_id
from ingest.models import Event, Lead, Project
from scoring.models import LeadScore

pytestmark = pytest.mark.django_db
FEW, MANY = 3, 60
AT = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
TREE = {
    "name": 'Ünal 🚀 \\ "quoted" \t{a,b}\n',
    "n": [1, 2.5, None, True, -(2**63)],
    "": {},
    "deep": {"a": {"b": "NULL"}},
}
EVENT = (
    "id", "project", "event_id", "lead", "kind", "event_type", "occurred_at", "received_at", "sent_at", "session_id",
    "traits", "context", "properties",
)  # fmt: skip
SCORE = ("id", "project", "lead", "scorecard", "score", "stage")


def make_lead() -> Lead:
    return Lead.objects.create(project=Project.objects.create(name="Acme"))


def event_rows(lead: Lead, count: int) -> list[tuple[Any, ...]]:
    return [
        (
            new_id(),
            lead.project_id,
            f"é{number}\\,",
            lead.pk,
            "activity",
            "signup",
            AT,
            AT,
            None if number % 2 else AT,
            "",
            {},
            {},
            TREE,
        )
        for number in range(count)
    ]


def score_rows(lead: Lead, count: int, score: str) -> list[tuple[Any, ...]]:
    return [(new_id(), lead.project_id, lead.pk, f"Card {number}", Decimal(score), "cold") for number in range(count)]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_inserted_rows_are_read_as_they_were_written(count: int) -> None:
    lead = make_lead()
    rows = event_rows(lead, count)

    database.insert_rows(Event, EVENT, rows)

    assert list(Event.objects.order_by("pk").values_list(*EVENT)) == rows


@pytest.mark.parametrize("count", [FEW, MANY])
def test_inserting_a_row_that_is_there_is_refused(count: int) -> None:
    lead = make_lead()
    rows = event_rows(lead, count)
    database.insert_rows(Event, EVENT, rows[-1:])

    with pytest.raises(IntegrityError), transaction.atomic():
        database.insert_rows(Event, EVENT, rows)

    assert Event.objects.count() == 1


@pytest.mark.parametrize("count", [FEW, MANY])
def test_an_upsert_inserts_and_updates_only_what_it_names(count: int) -> None:
    lead = make_lead()
    first = score_rows(lead, 2, "1.10")
    unique, update = ("lead", "scorecard"), ("score",)

    with transaction.atomic():
        database.upsert_rows(LeadScore, SCORE, first, unique=unique, update=update)
        database.upsert_rows(LeadScore, SCORE, score_rows(lead, count, "-2.25"), unique=unique, update=update)

    stored = {row[3]: row for row in LeadScore.objects.values_list(*SCORE)}
    assert len(stored) == count
    assert {row[4] for row in stored.values()} == {Decimal("-2.25")}
    assert [stored[f"Card {number}"][0] for number in (0, 1)] == [first[0][0], first[1][0]]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_inserting_what_is_missing_leaves_the_rest_as_it_was(count: int) -> None:
    lead = make_lead()
    there = event_rows(lead, 2)
    database.insert_rows(Event, EVENT, there)

    database.insert_missing_rows(Event, EVENT, event_rows(lead, count), unique=("project", "event_id"))

    assert Event.objects.count() == count
    assert set(Event.objects.values_list("pk", flat=True)) >= {row[0] for row in there}


@pytest.mark.parametrize("count", [FEW, MANY])
def test_the_same_number_of_statements_writes_few_rows_and_many(count: int, django_assert_num_queries: Any) -> None:
    lead = make_lead()

    with django_assert_num_queries(1):
        database.upsert_rows(
            LeadScore, SCORE, score_rows(lead, count, "5"), unique=("lead", "scorecard"), update=("score",)
        )


def test_no_rows_are_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        database.insert_rows(Event, EVENT, [])
        database.upsert_rows(Event, EVENT, [], unique=("id",), update=("session_id",))
        database.insert_missing_rows(Event, EVENT, [], unique=("id",))
        database.lock_rows(Lead, [])


def test_numbers_of_any_size_are_written_and_read_and_written_again() -> None:
    lead = make_lead()
    row = (*event_rows(lead, 1)[0][:-1], {"budget": 1e30})
    database.insert_rows(Event, EVENT, [row])
    read = Event.objects.get().properties

    Event.objects.all().delete()
    database.insert_rows(Event, EVENT, [(*row[:-1], read)])

    assert float(Event.objects.get().properties["budget"]) == 1e30
    assert json_text({"n": 10**30, "é": 1}) == '{"n":1000000000000000000000000000000,"é":1}'


# --- Units of work --------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.database.time.sleep", lambda _: None)


class Failing:
    """Work that fails with an error a number of times, having written something."""

    def __init__(self, error: Exception, *, times: int) -> None:
        self.error, self.times, self.runs = error, times, 0
        self.effects: list[int] = []

    def __call__(self) -> int:
        self.runs += 1
        Project.objects.create(name=f"Run {self.runs}")
        run = self.runs
        database.on_commit(lambda: self.effects.append(run))
        if self.runs <= self.times:
            raise self.error
        return self.runs


def deadlock() -> OperationalError:
    error = OperationalError("deadlock detected, or: database is locked")
    if connection.vendor == "postgresql":
        from psycopg.errors import DeadlockDetected

        error.__cause__ = DeadlockDetected()
    return error


@pytest.mark.usefixtures("impatient")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [IntegrityError("taken"), deadlock])
def test_work_that_somebody_got_in_the_way_of_is_done_again(error: Any) -> None:
    work = Failing(error if isinstance(error, Exception) else error(), times=3)

    assert database.unit_of_work(work) == 4

    assert list(Project.objects.values_list("name", flat=True)) == ["Run 4"]
    assert work.effects == [4]


@pytest.mark.usefixtures("impatient")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [IntegrityError("taken"), deadlock])
def test_work_that_never_succeeds_gives_up_with_its_error(error: Any) -> None:
    made = error if isinstance(error, Exception) else error()
    work = Failing(made, times=1_000)

    with pytest.raises(type(made)):
        database.unit_of_work(work)

    assert work.runs == 12
    assert not Project.objects.exists()
    assert work.effects == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("no space left on device"), ZeroDivisionError()])
def test_other_errors_are_not_tried_again(error: Exception) -> None:
    work = Failing(error, times=1)

    with pytest.raises(type(error)):
        database.unit_of_work(work)

    assert work.runs == 1
    assert not Project.objects.exists()
