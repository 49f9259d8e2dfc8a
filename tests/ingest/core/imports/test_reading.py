"""Files in, records out: encodings, separators, quoting, and what cannot be read costs its own line only."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.events import Refused
from ingest.core.imports.columns import MAX_COLUMNS, count_known
from ingest.core.imports.inspection import inspect
from ingest.core.imports.options import parse_options
from ingest.core.imports.records import MAX_RECORD_BYTES, read_records
from tests.ingest.core.imports.reading import NOW, look, records, taken, written

HEADER = ["email", "event", "note"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]

# No cell of white space alone: what stands around a cell is left out, and an empty one is none.
CELL = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t,;|'\""), max_size=30).map(
    lambda text: f"x{text}x"
)


@settings(max_examples=100, deadline=None)
@given(
    table=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\r\n", "\n"]),
    encoding=st.sampled_from(ENCODINGS),
)
def test_what_a_csv_writer_writes_is_read_as_it_was(
    table: list[list[str]], delimiter: str, quoting: int, line_end: str, encoding: str
) -> None:
    data = written([HEADER, *table], delimiter=delimiter, quoting=quoting, lineterminator=line_end, encoding=encoding)

    said: dict[str, Any] = {"encoding": encoding} if encoding.endswith("e") else {}  # without a mark

    found = records(data, **said)

    assert [list(record.content.values()) for record in found] == table
    assert look(data, **said).layout.columns == tuple(HEADER)


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8),
    encoding=st.sampled_from(ENCODINGS),
    data=st.data(),
)
def test_reading_on_from_the_end_of_any_record_reads_the_rest(
    table: list[list[str]], encoding: str, data: st.DataObject
) -> None:
    file = written([HEADER, *table], encoding=encoding, quoting=csv.QUOTE_ALL)
    said: dict[str, Any] = {"encoding": encoding} if encoding.endswith("e") else {}
    whole = records(file, **said)
    place = data.draw(st.integers(0, len(whole) - 1))

    rest = list(
        read_records(io.BytesIO(file), look(file, **said).layout, offset=whole[place].end, line=whole[place].end_line)
    )

    assert rest == whole[place + 1 :]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_it_stumble(rubbish: bytes) -> None:
    for data in (rubbish, b"email,event\n" + rubbish, b'{"email": "a@b"}\n' + rubbish):
        try:
            found = records(data)
        except Refused as refused:
            assert refused.problems  # noqa: PT017  (most rubbish is refused, not all)
        else:
            assert all(record.problem or record.content for record in found)
            assert [record.line for record in found] == sorted({record.line for record in found})


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('ab,"\n\r'), max_size=60))
def test_every_line_is_read_or_named_once_however_quotes_are_broken(text: str) -> None:
    data = b"email,event\n" + text.encode()

    lines = [line for record in records(data, delimiter=",", quote='"') for line in (record.line,)]

    assert lines == sorted(set(lines))


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1"])
def test_what_is_no_utf8_is_windows_1252(encoding: str) -> None:
    data = "email;event;city\nada@example.com;signup;Köln\n".encode(encoding)

    assert look(data).layout.encoding == "windows-1252"
    assert records(data)[0].content["city"] == "Köln"


def test_another_encoding_has_to_be_said() -> None:
    data = "email,event,city\nada@example.com,signup,Москва\n".encode("windows-1251")

    assert records(data, encoding="windows-1251")[0].content["city"] == "Москва"


def test_a_line_in_another_encoding_than_the_rest_is_named_not_garbled() -> None:
    data = "email,city\nada@example.com,Köln\n".encode() + b"bob@example.com,K\xf6ln\n"

    good, bad = records(data)

    assert good.content["city"] == "Köln"
    assert (bad.line, bad.raw) == (3, "bob@example.com,K\\xf6ln")
    assert "UTF-8" in bad.problem


def test_excels_files_are_read() -> None:
    data = b'\xef\xbb\xbfsep=;\r\nE-Mail;Note\r\nada@example.com;"two\r\nlines, 1,5"\r\n;\r\n\r\n'

    (record,) = records(data, "leads")

    assert record.content == {"E-Mail": "ada@example.com", "Note": "two\r\nlines, 1,5"}
    assert (record.line, record.end_line) == (3, 4)


def test_a_file_of_an_old_mac_is_read() -> None:
    assert [record.line for record in records(b"email,event\ra@b.c,x\rd@e.f,y\r")] == [2, 3]


def test_cells_with_escaped_quotes_are_read() -> None:
    data = b'email,event,note\na@b.c,x,"she said \\"no, thanks\\""\nd@e.f,y,"plain"\n'

    assert records(data)[0].content["note"] == 'she said "no, thanks"'


def test_decimal_commas_do_not_pass_for_separators() -> None:
    data = b"email;amount\na@b.c;1,5\nd@e.f;2,5\n"

    assert look(data).layout.dialect.delimiter == ";"


def test_a_quotation_mark_that_is_never_closed_costs_its_own_line() -> None:
    data = b'email,event,note\na@b.c,x,"oh\nd@e.f,y,fine\ng@h.i,z,fine\n'

    bad, *good = records(data)

    assert (bad.line, bad.raw, bad.problem) == (2, 'a@b.c,x,"oh', "has a quotation mark that is never closed")
    assert [record.content["email"] for record in good] == ["d@e.f", "g@h.i"]


def test_a_line_longer_than_a_record_may_be_is_left_out_alone() -> None:
    data = b"email,event\n" + b"x" * (3 * MAX_RECORD_BYTES) + b"\na@b.c,x\n"

    bad, good = records(data)

    assert (bad.line, good.line) == (2, 3)
    assert "longer than" in bad.problem


class Endless:
    """A file that is one line without an end: whoever reads it whole never comes back."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        assert 0 <= size <= 1 << 20
        self.read_bytes += size
        return b"a" * size

    readline = read

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return offset


def test_a_file_that_is_one_gigantic_line_is_refused_after_a_megabyte() -> None:
    file = Endless()
    with pytest.raises(Refused):
        inspect(file, "events", parse_options({}), time_zone="UTC", all_utf8=True, now=NOW)

    assert file.read_bytes < 3 << 20


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b'[{"email": "a@b.c"}]', "one object a line"),
        (bytes(range(256)) * 20, "no text"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        look(data)
    assert words in refused.value.detail


def test_rows_with_more_cells_than_columns_are_refused_and_shorter_ones_are_not() -> None:
    short, long, trailing = records(b"email,event,note\na@b.c,x\nd@e.f,y,1,5\ng@h.i,z,n,,\n")

    assert short.problem == trailing.problem == ""
    assert "4 cells" in long.problem


def test_columns_without_or_with_the_same_name_are_told_apart() -> None:
    assert look(b"email,note,note,,x\na@b.c,1,2,3,4\n", "leads").layout.columns == (
        *("email", "note", "note 2", "Column 4", "x"),
    )


def test_a_file_without_a_header_is_seen_to_have_none() -> None:
    found = look(b"a@b.c,Ada\nd@e.f,Bob\n", "leads", mapping={"Column 1": "email", "Column 2": "traits.name"})

    assert not found.problems
    assert [row.event.traits for row in taken(b"a@b.c,Ada\n", "leads", mapping={"Column 1": "email"})]


def test_nul_characters_are_left_out() -> None:
    assert records(b"email,event,note\na@b.c,x,1\x002" + b"\nlong enough to be text" * 20)[0].content["note"] == "12"


def test_memory_stays_flat_while_reading() -> None:
    def lines() -> Iterator[bytes]:
        yield b"email,event\n"
        yield from (b"a%d@b.c,signup\n" % number for number in range(50_000))

    file = io.BytesIO(b"".join(lines()))
    layout = look(file.getvalue()).layout
    tracemalloc.start()
    count = sum(1 for _ in read_records(file, layout, offset=layout.start, line=layout.start_line))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 50_000
    assert peak < 1_000_000


def test_of_a_line_of_nothing_but_separators_no_more_columns_are_looked_at_than_a_file_may_have() -> None:
    assert count_known(["email"] * (MAX_COLUMNS + 1)) == MAX_COLUMNS
