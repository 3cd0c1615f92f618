"""The demo's data on engines of its own: whole, the same to the nano in every place, and the same for the same seed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import engines
from tests.engines import Engine
from tests.local.life.playing import Life, of_kind

UNTIL = "2026-09-05"
SMALL = ("--days", "7", "--until", UNTIL, "--agents", "3", "--visits", "50")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = engines.start("model", tmp_path_factory.mktemp("model"), "--pace", "0")
    yield engine
    engine.kill()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, model: Engine) -> Iterator[tuple[Life, str, dict[str, Any]]]:
    """A small life, what was said of it, and all that is stored."""
    life = Life(tmp_path_factory.mktemp("life"), model)
    try:
        said = life.play(*SMALL, "--seed", "3")
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "")
            yield life, said, life.documents()
    finally:
        life.stop()


@pytest.mark.timeout(600)
def test_every_turn_is_charged_the_same_in_every_place(played: tuple[Life, str, dict[str, Any]]) -> None:
    _, said, documents = played
    told = re.search(r"(\d+) turns, charge ([\d.]+), the same in every place", said)
    assert told is not None, said
    rows = [event["row"] for event in of_kind(documents, "events").values() if event["topic"] == "usage-recorded"]
    answered = [row for row in rows if row["outcome"] != "failed"]
    charge = sum(row["charge_nanos"] for row in rows)
    assert len(answered) == int(told[1]) > 50
    assert f"{charge // 10**9}.{charge % 10**9:09d}" == told[2]
    closed = [row for row in rows if row["occurred_at"] < UNTIL]
    ledger = [entry for entry in of_kind(documents, "ledger").values() if entry["kind"] == "usage"]
    assert sum(entry["amount_nanos"] for entry in ledger) == sum(row["charge_nanos"] for row in closed)


@pytest.mark.timeout(600)
def test_nothing_differs_nothing_waits_and_nobody_is_alarmed(played: tuple[Life, str, dict[str, Any]]) -> None:
    life, _, documents = played
    assert life.alarms() == []
    assert not [path for path, event in of_kind(documents, "events").items() if "unsent" in event]
    assert [data["differences"] for data in documents.values() if data.get("differences")] == []
    assert {id.split("/")[1] for id in documents if id.startswith("workspaces/")} == {next(iter(workspaces(documents)))}


def workspaces(documents: dict[str, Any]) -> set[str]:
    """The ids of all workspaces."""
    return {path.split("/")[1] for path in documents if path.startswith("workspaces/") and path.count("/") == 1}


@pytest.mark.timeout(600)
def test_the_month_is_invoiced_paid_and_credited_and_the_cap_was_met(played: tuple[Life, str, dict[str, Any]]) -> None:
    life, _, documents = played
    (invoice,) = of_kind(documents, "invoices").values()
    assert (invoice["period"], invoice["state"]) == ("2026-08", "paid")
    (note,) = of_kind(documents, "credit_notes").values()
    assert note["invoice_id"] == invoice["invoice_id"]
    assert '"code": "cap_reached"' in (life.state / "logs" / "life.log").read_text(encoding="utf-8")
    kinds = {event["row"].get("type") for event in of_kind(documents, "events").values()}
    assert {"cap.alert", "hand_off", "feedback", "rating"} <= kinds


@pytest.mark.timeout(600)
def test_a_second_run_finds_the_workspace_and_does_nothing(played: tuple[Life, str, dict[str, Any]]) -> None:
    life, _, documents = played
    assert "nothing was done" in life.play(*SMALL, "--seed", "3")
    assert life.documents() == documents


@pytest.mark.timeout(600)
def test_the_same_seed_gives_the_same_data(
    played: tuple[Life, str, dict[str, Any]], model: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "")
    again = Life(tmp_path, model)
    try:
        again.play(*SMALL, "--seed", "3")
        found = again.documents()
    finally:
        again.stop()
    _, _, documents = played
    assert found.keys() == documents.keys()
    # A kept answer holds the ETag of what it made, which is the time at which the database of today stored it.
    differing = [path for path in found if found[path] != documents[path] and not path.startswith("idempotency/")]
    assert [(path, _difference(documents[path], found[path])) for path in differing] == []


def _difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The fields that differ, as the other has them."""
    return {name: other.get(name) for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
