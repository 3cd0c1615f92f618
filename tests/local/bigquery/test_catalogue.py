"""The catalogue's tables and table functions, each of which must work."""

from pathlib import Path

import pytest

from local.bigquery.catalogue import read
from local.bigquery.sql.resolve import Names
from local.bigquery.sql.translate import translate
from local.bigquery.values import Parameter
from tests.local.bigquery.samples import CATALOGUE, DATASET, JANUARY, PROJECT


@pytest.mark.parametrize("name", list(CATALOGUE.routines))
def test_each_table_function_reads_its_table_with_a_partition_filter(name: str) -> None:
    arguments = [argument for argument, _ in CATALOGUE.routines[name].arguments]
    values = {
        argument: Parameter(argument, kind, False, JANUARY if kind == "TIMESTAMP" else "ws")
        for argument, kind in CATALOGUE.routines[name].arguments
    }
    call = ", ".join(f"@{argument}" for argument in arguments)
    query = translate(f"SELECT * FROM {name}({call})", Names(CATALOGUE, PROJECT, DATASET, DATASET, values))
    (reading,) = query.readings
    assert [operator for operator, _, _ in reading.bounds] == [">=", "<"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("cost_nanos: INT64!", "cost_nanos: NUMERIC!", "type NUMERIC"),
        ("partition: issued_at", "partition: number", "partition column number"),
        ("[workspace STRING,", "[workspace_id STRING,", "has the name of a column"),
    ],
)
def test_a_catalogue_that_cannot_work_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = (Path(__file__).parents[3] / "infra" / "catalogue.yaml").read_text()
    assert before in text
    wrong = tmp_path / "catalogue.yaml"
    wrong.write_text(text.replace(before, after, 1))
    with pytest.raises(ValueError, match=message):
        read(wrong)
