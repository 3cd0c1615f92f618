"""Evidence says what the invoice bills, is filed once, is signed, and shows whatever differs."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from functions.billing import billed, evidence, evidence_keys, finalizing, repository, verifying
from functions.billing.evidence_tree import Membership, Tree
from functions.billing.models import Invoice
from functions.shared import clock, config, digests, firestore, logs, storage
from functions.shared.config import MissingSetting, settings
from functions.shared.errors import Conflict, NotFound, Unavailable
from functions.shared.events import Event
from tests.cloud import Cloud
from tests.functions.billing.making import event as made
from tests.functions.billing.making import events as made_events
from tests.functions.billing.story import FINAL, NEXT_FINAL, Story, at


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def billed_month(story: Story) -> Invoice:
    """A month with two agents, a failed turn and a correction that became known after it, finalized."""
    turn = story.turn(at("2026-11-26"), charge_nanos=1_234_567_891)
    story.turn(at("2026-11-26", 10, 59), agent_id="agt_" + "0" * 25 + "2", charge_nanos=5)
    story.turn(at("2026-11-30", 23, 59), outcome="failed", cost_nanos=0, charge_nanos=0)
    late = {"type": "correction", "corrects": turn.id, "charge_nanos": 0, "new_conversation": False}
    story.count(story.record(at("2026-11-30", 23), "2026-12-01", recorded_at=clock.to_text(at("2026-12-01")), **late))
    story.close(FINAL)
    (invoice,) = story.invoices()
    return invoice


def test_a_manifest_says_what_is_under_each_line_and_hour(story: Story) -> None:
    invoice = billed_month(story)
    found = evidence.find(story.workspace, invoice.invoice_id)
    usage = found["usage"]
    assert (usage["count"], usage["charge_nanos"], usage["messages"]) == (4, 1_234_567_896, 2)
    assert found["invoice_digest"] == invoice.digest
    assert (found["number"], found["price_versions"]) == (invoice.number, ["2026-01-01"])
    assert found["plan_versions"] == ["pay_as_you_go-1"]
    days = found["months"]["2026-11"]["days"]
    assert {day: sums["count"] for day, sums in days.items()} == {"2026-11-26": 2, "2026-11-30": 2}
    assert list(days["2026-11-26"]["hours"]) == ["2026-11-26T10"]
    lines = {line["line_id"]: line for line in found["lines"]}
    for line in invoice.lines:
        assert lines[line.line_id]["amount_nanos"] == line.amount_nanos == lines[line.line_id]["usage"]["charge_nanos"]


def test_a_leaf_an_hour_a_day_and_a_month_are_made_as_the_guide_says(story: Story) -> None:
    event = story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(FINAL)
    found = evidence.find(story.workspace, story.invoices()[0].invoice_id)
    hour = digests.node([digests.leaf(event.row)])
    assert found["usage"]["digest"] == digests.node([digests.node([digests.node([hour])])])


def test_it_is_filed_once_and_a_repeat_goes_on_where_it_stopped(story: Story) -> None:
    invoice = billed_month(story)
    names = [evidence.archive_name(invoice, ending) for ending in (evidence.UNSIGNED, evidence.SIGNED)]
    before = [storage.read(settings().archive_bucket, name) for name in names]
    assert None not in before
    story.record(at("2026-11-26", 12), charge_nanos=7)
    frozen = invoice.model_copy(update={"paid_minor": 0})
    evidence.keep(story.workspace, frozen)
    finalizing.archive(frozen)
    assert [storage.read(settings().archive_bucket, name) for name in names] == before


def test_what_comes_late_is_in_the_next_invoices_evidence_and_not_in_the_first(story: Story) -> None:
    first = billed_month(story)
    late = story.turn(at("2026-11-26", 11), recorded_at=clock.to_text(at("2026-12-05")), charge_nanos=1_000_000_000)
    story.turn(at("2026-12-06"), charge_nanos=2_000_000_000)
    story.close(NEXT_FINAL)
    (second,) = [invoice for invoice in story.invoices() if invoice.period == "2026-12"]
    found = evidence.find(story.workspace, second.invoice_id)
    (line,) = [line for line in found["lines"] if line["kind"] == "late_usage"]
    assert line["leaves"] == [digests.leaf(late.row)]
    assert sorted(found["months"]) == ["2026-11", "2026-12"]
    for invoice in (first, second):
        assert verifying.verify(story.cloud.call(story.workspace), invoice.invoice_id).verified


def test_an_event_that_another_invoice_bills_is_named_when_its_time_does_not_say_so(story: Story) -> None:
    invoice = billed_month(story)
    other = story.turn(at("2026-11-26", 23), charge_nanos=1)
    said = evidence.manifest(story.workspace, invoice)
    assert said["without"] == [digests.leaf(other.row)]
    assert Membership(said).of(other.row, digests.leaf(other.row)) == (False, None)


def test_events_that_do_not_add_up_are_an_alarm_and_no_evidence(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    invoice = billed_month(story)
    wrong = invoice.model_copy(
        update={
            "lines": tuple(line.model_copy(update={"amount_nanos": line.amount_nanos + 1}) for line in invoice.lines)
        }
    )
    with pytest.raises(evidence.Unclear):
        evidence.manifest(story.workspace, wrong)
    evidence.keep(story.workspace, wrong.model_copy(update={"invoice_id": "inv_" + "0" * 26}))
    assert "does not add up" in capsys.readouterr().out


def test_without_a_key_the_month_is_finalized_and_the_evidence_is_signed_when_there_is_one(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = settings().evidence_signing_key
    monkeypatch.delenv("EVIDENCE_SIGNING_KEY")
    config.settings.cache_clear()
    invoice = billed_month(story)
    assert invoice.state == "open"
    with pytest.raises(Unavailable) as refused:
        evidence.find(story.workspace, invoice.invoice_id)
    assert refused.value.code == "no_evidence_key"
    assert "EVIDENCE_SIGNING_KEY" in refused.value.detail
    monkeypatch.setenv("EVIDENCE_SIGNING_KEY", key)
    config.settings.cache_clear()
    assert evidence_keys.is_signed(evidence.find(story.workspace, invoice.invoice_id))


def test_a_draft_and_an_unknown_invoice_have_no_evidence(story: Story) -> None:
    story.turn(at("2026-11-26"), charge_nanos=1_000_000_000)
    story.close(at("2026-12-01", 0, 10))
    with pytest.raises(Conflict) as refused:
        evidence.find(story.workspace, story.invoices()[0].invoice_id)
    assert refused.value.code == "draft"
    with pytest.raises(NotFound):
        evidence.find(story.workspace, "inv_" + "0" * 26)


def public(raw: bytes) -> str:
    key = Ed25519PrivateKey.from_private_bytes(raw).public_key()
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def test_a_key_that_signed_before_still_counts_when_it_is_listed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    said = evidence_keys.signed({"a": 1})
    old = settings().evidence_signing_key
    monkeypatch.setenv("EVIDENCE_SIGNING_KEY", base64.b64encode(bytes(32)).decode())
    config.settings.cache_clear()
    assert not evidence_keys.is_signed(said)
    listed = f"{public(base64.b64decode(old.partition('@')[0]))}@2026-01-01"
    monkeypatch.setenv("EVIDENCE_PUBLIC_KEYS", listed)
    config.settings.cache_clear()
    assert evidence_keys.is_signed(said)
    assert not evidence_keys.is_signed({**said, "a": 2})
    assert not evidence_keys.is_signed({**said, "signature": "?"})
    assert [(key.since, key.current) for key in evidence_keys.every_key()] == [(None, True), ("2026-01-01", False)]


@pytest.mark.parametrize("wrong", ["?", "AAAA", base64.b64encode(bytes(32)).decode() + "@yesterday", "@2026-01-01"])
def test_a_key_that_cannot_be_read_is_told_by_its_setting(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("EVIDENCE_PUBLIC_KEYS", wrong)
    config.settings.cache_clear()
    with pytest.raises(MissingSetting, match="EVIDENCE_PUBLIC_KEYS"):
        evidence_keys.every_key()


def test_a_signature_is_ed25519_over_the_canonical_json(cloud: Cloud) -> None:
    said = evidence_keys.signed({"b": [1, "ä"], "a": None})
    key = evidence_keys.current()
    assert key is not None
    text = json.dumps({k: v for k, v in said.items() if k != "signature"}, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False).encode()  # fmt: skip
    Ed25519PublicKey.from_public_bytes(key.public).verify(base64.b64decode(said["signature"]), text)


@given(made_events())
def test_a_tree_does_not_depend_on_the_order_and_adds_up(found: list[Any]) -> None:
    one, other = Tree(), Tree()
    for event in found:
        one.add(event, event.digest)
    for event in reversed(found):
        other.add(event, event.digest)
    assert one.months() == other.months()
    for sums in one.months().values():
        assert sums["charge_nanos"] == sum(event.charge_nanos for event in found)
        assert sums["count"] == len(found)


@given(st.lists(st.integers(0, 4), max_size=5))
def test_each_event_of_a_day_is_billed_once_or_not_yet(counts: list[int]) -> None:
    from tests.functions.billing.making import close

    found = [made(event_id=f"e{n}") for n in range(3)]
    (entry,) = close(found, "2026-12-01")
    chain = [
        entry.model_copy(update={"count": count, "entry_id": f"led_{n}", "period": f"2027-{n + 1:02d}"})
        for n, count in enumerate(counts)
    ]
    rows = [
        billed.Event(entry.workspace_id, "usage-recorded", f"e{n}", {"recorded_at": f"2026-12-01T10:00:0{9 - n}Z"})  # type: ignore[arg-type]
        for n in range(6)
    ]
    shares = billed.booked(chain, rows)
    assert [event for _, own in shares for event in own] == billed.in_order(rows)


def test_a_warehouse_that_agrees_is_verified_however_many_queries_it_takes(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = billed_month(story)
    call = story.cloud.call(story.workspace)
    for at_once in (verifying.AT_ONCE, 1, 2):
        monkeypatch.setattr(verifying, "AT_ONCE", at_once)
        assert verifying.verify(call, invoice.invoice_id).verified


def test_a_warehouse_that_differs_by_one_nano_is_found_by_line_and_hour(story: Story) -> None:
    event = story.record(at("2026-11-26", 10, 58), agent_id="agt_" + "0" * 25 + "2", charge_nanos=5)
    story.count(Event(event.workspace, event.topic, event.id, {**event.row, "charge_nanos": 6}))
    invoice = billed_month(story)
    check = verifying.verify(story.cloud.call(story.workspace), invoice.invoice_id)
    places = [(one.where, one.name) for one in check.differences]
    assert not check.verified
    assert ("event", event.id) in places
    assert places[1:4] == [("month", "2026-11"), ("day", "2026-11-26"), ("hour", "2026-11-26T10")]
    assert [where for where, _ in places].count("line") == 1
    assert (check.found.charge_nanos - check.expected.charge_nanos, check.found.count) == (1, check.expected.count)


def test_a_warehouse_that_lacks_an_event_or_has_a_foreign_one_is_found(story: Story) -> None:
    story.record(at("2026-11-27", 8))
    stray = story.record(at("2026-11-28", 8), "2027-01-20")
    story.count(stray)
    invoice = billed_month(story)
    check = verifying.verify(story.cloud.call(story.workspace), invoice.invoice_id)
    by_hour = {one.name: one for one in check.differences if one.where == "hour"}
    assert sorted(by_hour) == ["2026-11-27T08", "2026-11-28T08"]
    assert by_hour["2026-11-27T08"].found is None
    assert by_hour["2026-11-28T08"].expected is None


def test_checking_writes_nothing(story: Story) -> None:
    invoice = billed_month(story)
    before, files = story.everything(), story.archived()
    with logs.request() as operations:
        verifying.verify(story.cloud.call(story.workspace), invoice.invoice_id)
    assert operations.keys() <= {"firestore_reads", "storage_reads", "bigquery_queries"}
    assert (story.everything(), story.archived()) == (before, files)


def test_an_invoice_that_was_changed_after_all_is_found(story: Story) -> None:
    invoice = billed_month(story)
    batch = firestore.Batch()
    lines = [line.model_dump() for line in invoice.lines]
    lines[0]["amount_nanos"] += 1
    batch.update(repository.invoice_path(story.workspace, invoice.invoice_id), {("lines",): lines})
    batch.commit()
    check = verifying.verify(story.cloud.call(story.workspace), invoice.invoice_id)
    assert [one.where for one in check.differences] == ["invoice"]
