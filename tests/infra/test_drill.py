"""A restored database is compared with the archive of invoices, and what is missing or different on a side is named."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import firestore as native

from functions.billing import finalizing
from functions.billing.models import Invoice
from functions.shared import config, contracts, firestore, storage
from functions.shared.config import settings
from infra import drill
from tests import engines
from tests.cloud import PROJECT, Cloud, enter_warehouse
from tests.functions.billing.story import FINAL, NEXT_FINAL, Story, at

BUCKETS = 64
_numbers = itertools.count()


class Restored:
    """A second database with a copy of one workspace's invoices, as a restore makes it; the archive is the same."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.name = f"restored-{next(_numbers)}"
        self.bucket = settings().archive_bucket
        self.database = native.Client(PROJECT, database=self.name)
        self.copy(contracts.workspace_path(story.workspace))
        for invoice in story.invoices():
            self.copy(self.path(invoice))

    def path(self, invoice: Invoice) -> str:
        return contracts.path(self.story.workspace, "invoices", invoice.invoice_id)

    def copy(self, path: str) -> None:
        self.database.document(path).set(firestore.get(path).data)

    def change(self, path: str, **fields: Any) -> None:
        self.database.document(path).update(fields)

    def compare(self, monkeypatch: pytest.MonkeyPatch) -> drill.Outcome:
        monkeypatch.setenv("FIRESTORE_DATABASE", self.name)
        config.settings.cache_clear()
        firestore.client.cache_clear()
        return drill.compare(self.bucket)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra.drill", "--project", PROJECT, "--database", self.name, *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=100, check=False)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    """A storage with a bucket for each test: what is in an archive is compared whole."""
    buckets = [argument for number in range(BUCKETS) for argument in ("--bucket", f"archive-{number}")]
    engine = engines.start("storage", tmp_path_factory.mktemp("archives"), *buckets)
    yield engine
    engine.kill()


def enter_archive(archives: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a bucket that nobody has used the archive; returns its name."""
    bucket = f"archive-{next(_numbers)}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{archives.address}")
    monkeypatch.setenv("ARCHIVE_BUCKET", bucket)
    config.settings.cache_clear()
    storage.client.cache_clear()
    return bucket


@pytest.fixture(scope="module")
def closed(
    engines_of_session: Cloud, warehouse: engines.Engine, archives: engines.Engine
) -> tuple[Story, dict[str, bytes]]:
    """Two months with an invoice each, closed once for all tests, and the files that the closes have written."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        engines_of_session.enter(monkeypatch)
        enter_warehouse(warehouse, monkeypatch)
        bucket = enter_archive(archives, monkeypatch)
        made = Story(engines_of_session)
        made.turn(at("2026-11-26"))
        made.turn(at("2026-12-03"), charge_nanos=2_000_000_000)
        made.close(FINAL)
        made.close(NEXT_FINAL)
        files = {blob.name: blob.download_as_bytes() for blob in storage.client().list_blobs(bucket)}
    engines_of_session.leave()
    return made, files


@pytest.fixture
def story(
    house: Cloud, archives: engines.Engine, closed: tuple[Story, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> Story:
    """The two months, with an archive that the test may spoil; in the database that they were closed in nothing changes."""
    made, files = closed
    bucket = enter_archive(archives, monkeypatch)
    for name, content in files.items():
        storage.write(bucket, name, content, content_type="application/octet-stream")
    return made


def test_a_database_that_has_everything_has_no_findings(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    assert len(story.invoices()) == 2
    assert restored.compare(monkeypatch) == drill.Outcome(same=2)


def test_what_was_paid_since_is_no_difference(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    restored.change(restored.path(story.invoices()[0]), state="paid", paid_minor=1)
    assert restored.compare(monkeypatch) == drill.Outcome(same=2)


def test_an_invoice_that_the_database_has_lost_is_only_in_the_archive(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored = Restored(story)
    lost = story.invoices()[0]
    restored.database.document(restored.path(lost)).delete()
    outcome = restored.compare(monkeypatch)
    assert outcome.findings == [f"{finalizing.archive_name(lost, 'json')}: only in the archive"]
    assert outcome.same == 1


def test_files_that_the_archive_has_lost_are_named(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    first, second = story.invoices()
    storage.delete(restored.bucket, finalizing.archive_name(first, "json"))
    storage.delete(restored.bucket, finalizing.archive_name(second, "pdf"))
    assert sorted(restored.compare(monkeypatch).findings) == sorted(
        [
            f"{first.number} of {story.workspace} ({first.invoice_id}): only in the database",
            f"{second.number} of {story.workspace} ({second.invoice_id}): its PDF is not in the archive",
        ]
    )


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("total_minor", 7, "total_minor differs: "),
        ("digest", "0" * 64, "digest differs: "),
        ("number", "TEST-2026-0099", "number differs: TEST-2026-0001 in the archive, TEST-2026-0099"),
    ],
)
def test_a_changed_field_is_told_with_both_values(
    story: Story, monkeypatch: pytest.MonkeyPatch, field: str, value: object, text: str
) -> None:
    restored = Restored(story)
    changed = next(invoice for invoice in story.invoices() if invoice.number == "TEST-2026-0001")
    restored.change(restored.path(changed), **{field: value})
    outcome = restored.compare(monkeypatch)
    assert outcome.same == 1
    assert any(text in finding for finding in outcome.findings)


def test_a_changed_line_is_named(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    changed = story.invoices()[0]
    document = restored.database.document(restored.path(changed)).get().to_dict()
    document["lines"][0]["amount_nanos"] += 1
    restored.database.document(restored.path(changed)).set(document)
    (finding,) = restored.compare(monkeypatch).findings
    assert finding.endswith(f"lines differ (1 in the archive, 1 in the database): {changed.lines[0].line_id}")


def test_a_file_that_is_no_invoice_is_a_finding(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    spoilt = finalizing.archive_name(story.invoices()[0], "json")
    for content in (b"not JSON", b"[]", b'{"due_minor": 1}'):
        storage.write(restored.bucket, spoilt, content, content_type=finalizing.JSON)
        (finding,) = restored.compare(monkeypatch).findings
        assert "cannot be read" in finding


def test_a_file_from_before_a_field_was_added_is_the_same(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    name = finalizing.archive_name(story.invoices()[0], "json")
    stored = json.loads(storage.read(restored.bucket, name) or b"")
    assert stored.pop("credit_minor") == 0
    storage.write(restored.bucket, name, json.dumps(stored).encode(), content_type=finalizing.JSON)
    assert restored.compare(monkeypatch) == drill.Outcome(same=2)


def test_what_is_not_final_is_counted_and_not_compared(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    restored.change(restored.path(story.invoices()[0]), state="finalizing")
    assert restored.compare(monkeypatch) == drill.Outcome(same=1, unfinished=1)


def test_files_of_an_erased_workspace_are_no_finding(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = Restored(story)
    for invoice in story.invoices():
        restored.database.document(restored.path(invoice)).delete()
    restored.change(contracts.workspace_path(story.workspace), state="erased")
    assert restored.compare(monkeypatch) == drill.Outcome(erased=2)


def test_the_command_ends_with_what_it_found(story: Story) -> None:
    restored = Restored(story)
    good = restored.command("--bucket", restored.bucket)
    assert (good.returncode, good.stderr) == (drill.SAME, "")
    assert f"2 invoices are the same in {restored.name}" in good.stdout
    restored.change(restored.path(story.invoices()[0]), digest="f" * 64)
    bad = restored.command("--bucket", restored.bucket)
    assert bad.returncode == drill.FINDINGS
    assert "digest differs" in bad.stdout
    assert "1 findings." in bad.stdout
