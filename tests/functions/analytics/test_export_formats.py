"""Rows come out of each format as they went in, whatever is in them, and in however many parts they were written."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from functions.analytics.export_formats import FORMULAS, Column, Row, part, put_together
from functions.analytics.export_models import Format
from functions.shared import clock

COLUMNS = [
    Column("name", "text"),
    Column("number", "integer"),
    Column("share", "number"),
    Column("yes", "flag"),
    Column("at", "time"),
    Column("more", "json"),
]
AT = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
ROW: Row = {"name": "Zoë 😀", "number": -5, "share": 0.25, "yes": False, "at": AT, "more": {"a": [1, "ü", AT]}}

text = st.text(st.characters(exclude_categories=["Cs"]))
rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.none() | text,
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
            "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "yes": st.none() | st.booleans(),
            "at": st.none() | st.integers(0, 10**15).map(clock.from_micros),
            "more": st.none() | st.lists(text) | st.dictionaries(text, st.integers()),
        },
    ),
    max_size=8,
)


def written(format_: Format, *groups: list[Row]) -> bytes:
    """The file whose parts have these rows."""
    parts = []
    for number, group in enumerate(groups or ([],)):
        one = part(format_, COLUMNS, first=not number)
        one.add(group)
        parts.append(one.content())
    file = io.BytesIO()
    put_together(format_, parts, file)
    return file.getvalue()


def read_lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def read_parquet(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read_table(arrow.BufferReader(content)).to_pylist()
    return found


def test_json_lines_have_every_column_in_its_own_type() -> None:
    assert written("jsonl", [ROW], [{}]).decode() == (
        '{"name":"Zoë 😀","number":-5,"share":0.25,"yes":false,"at":"2026-11-25T12:00:00.123456Z",'
        '"more":{"a":[1,"ü","2026-11-25T12:00:00.123456Z"]}}\n'
        '{"name":null,"number":null,"share":null,"yes":null,"at":null,"more":null}\n'
    )


def test_csv_has_one_header_and_the_lines_of_rfc_4180() -> None:
    assert written("csv", [{**ROW, "name": 'a "b",\nc'}], [{}]).decode() == (
        "name,number,share,yes,at,more\r\n"
        '"a ""b"",\nc",-5,0.25,false,2026-11-25T12:00:00.123456Z,"{""a"":[1,""ü"",""2026-11-25T12:00:00.123456Z""]}"\r\n'
        ",,,,,\r\n"
    )


@pytest.mark.parametrize("sign", FORMULAS)
def test_no_cell_of_text_is_a_formula_and_a_number_stays_one(sign: str) -> None:
    (shown,) = read_csv(written("csv", [{"name": f"{sign}HYPERLINK(1)", "number": -5}]))
    assert (shown["name"], shown["number"]) == (f"'{sign}HYPERLINK(1)", "-5")
    assert read_lines(written("jsonl", [{"name": f"{sign}1"}]))[0]["name"] == f"{sign}1"


def test_parquet_has_types_and_a_row_group_for_each_part() -> None:
    file = parquet.ParquetFile(arrow.BufferReader(written("parquet", [ROW, ROW], [ROW])))
    assert file.metadata.num_row_groups == 2
    assert [str(kind) for kind in file.schema_arrow.types] == [
        "string", "int64", "double", "bool", "timestamp[us, tz=UTC]", "string",
    ]  # fmt: skip
    assert file.read().to_pylist()[0] == {**ROW, "more": '{"a":[1,"ü","2026-11-25T12:00:00.123456Z"]}'}


def test_a_file_without_rows_has_its_columns() -> None:
    assert written("csv") == b"name,number,share,yes,at,more\r\n"
    assert written("jsonl") == b""
    empty = parquet.read_table(arrow.BufferReader(written("parquet")))
    assert (empty.num_rows, empty.column_names) == (0, [column.name for column in COLUMNS])


@given(rows, rows)
def test_whatever_is_written_is_read_again(first: list[Row], second: list[Row]) -> None:
    wanted = [{column.name: row.get(column.name) for column in COLUMNS} for row in first + second]
    lines = [
        {**row, "at": clock.from_text(row["at"]) if row["at"] else None}
        for row in read_lines(written("jsonl", first, second))
    ]
    assert lines == wanted
    packed = [
        {**row, "more": json.loads(row["more"]) if row["more"] else None}
        for row in read_parquet(written("parquet", first, second))
    ]
    assert packed == wanted
    cells = read_csv(written("csv", first, second))
    for cell, row in zip(cells, wanted, strict=True):
        assert cell["name"].removeprefix("'") == (row["name"] or "").removeprefix("'")
        assert cell["number"] == ("" if row["number"] is None else str(row["number"]))
        assert not cell["name"].startswith(FORMULAS)
