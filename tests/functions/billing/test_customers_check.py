"""The script that a customer runs finds nothing in an honest export, and whatever was done to a dishonest one."""

import ast
import base64
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.billing import evidence_keys, evidence_routes
from functions.shared import bigquery, clock
from functions.shared.config import settings
from tests.cloud import Cloud
from tests.functions.billing.story import FINAL, NEXT_FINAL, Story, at

SCRIPT = Path(__file__).parents[3].joinpath("docs/guides/verify_invoice.py")
Rows = list[dict[str, Any]]


class Customer:
    """A customer with the evidence, the keys and the export of two invoices: one of November, one with late usage."""

    def __init__(self, house: Cloud, folder: Path) -> None:
        self.folder = folder
        story = Story(house)
        story.turn(at("2026-11-26"), charge_nanos=1_234_567_891, conversation_id="cnv_ä")
        story.turn(at("2026-11-26", 10, 1), charge_nanos=9, input_tokens=None, estimated=True)
        story.turn(at("2026-11-30", 23, 59), agent_id="agt_" + "0" * 25 + "2", charge_nanos=2_000_000_000)
        story.close(FINAL)
        self.late = story.turn(at("2026-11-27"), recorded_at=clock.to_text(at("2026-12-05")), charge_nanos=10**9)
        story.turn(at("2026-12-06"), charge_nanos=3_000_000_000)
        story.close(NEXT_FINAL)
        call = house.call(story.workspace)
        self.november, self.december = (
            evidence_routes.get_evidence(call, invoice.invoice_id).body.model_dump(mode="json")
            for invoice in sorted(story.invoices(), key=lambda invoice: invoice.period)
        )
        self.keys = evidence_routes.list_evidence_keys(call).model_dump(mode="json")
        found = bigquery.query(
            "SELECT * FROM `{dataset}.usage`(@workspace, @since, @until)",
            {"workspace": str(story.workspace), "since": at("2026-11-01"), "until": at("2027-01-01")},
        )
        self.rows: Rows = [{k: clock.to_text(v) if k.endswith("_at") else v for k, v in row.items()} for row in found]
        random.Random(7).shuffle(self.rows)

    def check(self, evidence: Any, rows: Rows | None = None, keys: Any = None) -> tuple[int, str]:
        texts = {
            "evidence.json": json.dumps(evidence, indent=2),
            "keys.json": json.dumps(keys or self.keys),
            "events.jsonl": "\n".join(json.dumps(row) for row in (self.rows if rows is None else rows)) + "\n\n",
        }
        for name, text in texts.items():
            self.folder.joinpath(name).write_text(text, "utf-8")
        command = [sys.executable, str(SCRIPT), *(str(self.folder / name) for name in texts)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    def changed(self, **columns: Any) -> Rows:
        """The export with some columns of the dearest event of November changed."""
        dearest = max((row for row in self.rows if row["occurred_at"] < "2026-12"), key=lambda row: row["charge_nanos"])
        return [{**row, **columns} if row is dearest else row for row in self.rows]


_known: dict[str, Customer] = {}


@pytest.fixture
def customer(house: Cloud, tmp_path: Path) -> Customer:
    """The same customer for every test, who changes nothing of theirs; only the folder is another one."""
    found = _known.setdefault("customer", _known.get("customer") or Customer(house, tmp_path))
    found.folder = tmp_path
    return found


def test_an_honest_export_is_ok_for_both_invoices_in_whatever_form(customer: Customer) -> None:
    number = customer.november["number"]
    assert customer.check(customer.november) == (0, f"OK: invoice {number}, 3 events\n")
    code, told = customer.check(customer.december)
    assert (code, told.split(",")[1]) == (0, " 2 events\n")
    elsewhere = [
        {k: v.replace("Z", "+00:00") if k.endswith("_at") else v for k, v in row.items() if v is not None}
        for row in customer.rows
    ]
    assert customer.check(customer.november, elsewhere)[0] == 0


TAMPERED: dict[str, Callable[[Customer], Rows]] = {
    "one nano more": lambda customer: customer.changed(charge_nanos=2_000_000_001),
    "one token less": lambda customer: customer.changed(input_tokens=999),
    "another minute": lambda customer: customer.changed(occurred_at="2026-11-30T23:58:00.000000Z"),
    "an event is missing": lambda customer: [row for row in customer.rows if row["occurred_at"] != "2026-11-26T10:01:00.000000Z"],
    "an event is there twice": lambda customer: [*customer.rows, customer.rows[0], customer.rows[1], *customer.rows[2:]],
    "an event of somebody else": lambda customer: [
        *customer.rows, {**customer.changed()[0], "event_id": "x", "occurred_at": "2026-11-29T10:00:00Z",
                         "recorded_at": "2026-11-29T10:00:00Z", "workspace_id": "ws_" + "0" * 26},
    ],
    "nothing": lambda customer: [],
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_export_is_told(customer: Customer, how: str) -> None:
    code, told = customer.check(customer.november, TAMPERED[how](customer))
    assert code == 1
    assert told
    assert "OK" not in told


def test_late_usage_that_is_missing_is_told(customer: Customer) -> None:
    rows = [row for row in customer.rows if row["event_id"] != customer.late.id]
    code, told = customer.check(customer.december, rows)
    assert (code, "hour 2026-11-27T10" in told) == (1, True)
    assert customer.check(customer.november, rows)[0] == 0


@pytest.mark.parametrize("place", ["usage", "line", "total", "signature", "key_id"])
def test_an_altered_manifest_is_told(customer: Customer, place: str) -> None:
    said = json.loads(json.dumps(customer.november))
    if place == "usage":
        said["usage"]["charge_nanos"] -= 1
    elif place == "line":
        said["lines"][0]["amount_nanos"] += 1
    elif place == "total":
        said["total_minor"] += 1
    elif place == "signature":
        said["signature"] = base64.b64encode(bytes(64)).decode()
    else:
        said["key_id"] = "0" * 64
    code, told = customer.check(said)
    assert (code, told.startswith("signature: ")) == (1, True)


def test_a_manifest_that_somebody_else_signed_is_told(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "evidence_signing_key", base64.b64encode(bytes(32)).decode())
    body = {name: value for name, value in customer.november.items() if name not in ("key_id", "signature")}
    forged = evidence_keys.signed(body)
    assert customer.check(forged)[0] == 1
    # A key under the id of another is not that key.
    other = evidence_keys.current()
    assert other is not None
    keys = {"keys": [{**customer.keys["keys"][0], "public_key": base64.b64encode(other.public).decode()}]}
    assert customer.check(customer.november, keys=keys)[0] == 1


def test_the_script_is_a_page_and_needs_the_standard_library_and_cryptography_only() -> None:
    text = SCRIPT.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported - sys.stdlib_module_names == {"cryptography"}
