"""CSV lines: any CSV reader gets the cells back, and no spreadsheet executes one."""

import csv
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.csv_lines import csv_stream, csv_text

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), strict=True))


@given(lines=st.lists(st.lists(texts, min_size=2), min_size=1))
def test_a_reader_of_rfc_4180_gets_every_cell_back_and_none_begins_a_formula(lines: list[list[str]]) -> None:
    cells = read(csv_text(lines))

    assert [[cell.removeprefix("'") for cell in line] for line in cells] == [
        [cell.removeprefix("'") for cell in line] for line in lines
    ]
    assert not any(cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for line in cells for cell in line)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=cmd|" /C calc"!A0'])
def test_what_a_spreadsheet_would_execute_gets_an_apostrophe_before_it(text: str) -> None:
    assert read(csv_text([[text, "x"]])) == [[f"'{text}", "x"]]


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert csv_text([[-5, Decimal("-2.50"), 0.5, 0]]) == "-5,-2.50,0.5,0\r\n"


def test_other_values_are_written_as_the_api_writes_them() -> None:
    noon = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))

    assert read(csv_text([[None, True, noon, {"é": [1]}, ["a"]]])) == [
        ["", "true", "2026-03-01T12:00:00Z", '{"é": [1]}', '["a"]']
    ]


def test_lines_end_as_the_rfc_says_whatever_stands_in_a_cell() -> None:
    assert csv_text([["a\nb", 'say "hi"'], ["c,d", "e"]]) == '"a\nb","say ""hi"""\r\n"c,d",e\r\n'


def test_a_file_begins_with_a_byte_order_mark_only_when_asked_for() -> None:
    assert "".join(csv_stream(["id"], [[["ü"]]], mark=True)) == "\ufeffid\r\nü\r\n"
    assert "".join(csv_stream(["id"], [], mark=False)) == "id\r\n"


def test_a_column_name_is_no_formula_either() -> None:
    assert "".join(csv_stream(["=1"], [], mark=False)) == "'=1\r\n"


def test_times_keep_their_moment() -> None:
    assert csv_text([[datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)]]) == "2026-01-01T00:00:00.123456Z\r\n"
