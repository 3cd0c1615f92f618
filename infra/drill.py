"""Compares a database with the archive of invoices, so that a restore is believed because of what it shows.

`python -m infra.drill --project PROJECT --database NEW` reads every final invoice of the database, in every workspace, and
the files in the archive bucket. Finalizing writes both out of the same frozen invoice, and the archive lets nothing be
replaced; so each difference is a finding. Nothing is changed.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from functions.billing import finalizing, repository
from functions.billing.models import Invoice, InvoiceState
from functions.shared import contracts, firestore, storage
from functions.shared.config import settings
from functions.shared.identity import WorkspaceId

SAME, FINDINGS, NOT_DONE = 0, 1, 2
PREFIX = "invoices/"
_AT_ONCE = 200
# Not final: the next close writes or finishes these.
_OPEN_END = (InvoiceState.DRAFT, InvoiceState.FINALIZING)


@dataclass
class Outcome:
    """What a comparison found; `findings` are sentences about one invoice each."""

    same: int = 0
    unfinished: int = 0
    erased: int = 0
    findings: list[str] = field(default_factory=list)


def compare(bucket: str) -> Outcome:
    """Compare every invoice of the database in the settings with the archive. Raises what Google's clients raise."""
    outcome = Outcome()
    archived = {blob.name for blob in storage.client().list_blobs(bucket, prefix=PREFIX)}
    erased = set()
    for workspace, state in _workspaces():
        if state == "erased":
            erased.add(str(workspace))
        for invoice in _invoices(workspace):
            name = finalizing.archive_name(invoice, "json")
            beside = finalizing.archive_name(invoice, "pdf")
            if invoice.state in _OPEN_END:
                outcome.unfinished += 1
                archived -= {name, beside}
            else:
                differing = _differing(invoice, storage.read(bucket, name) if name in archived else None)
                if beside not in archived:
                    differing.append("its PDF is not in the archive")
                outcome.findings += [f"{_called(invoice)}: {text}" for text in differing]
                outcome.same += not differing
                archived -= {name, beside}
    for name in sorted(archived):
        if name.split("/")[1] in erased:
            outcome.erased += name.endswith(".json")
        elif name.endswith(".json"):
            outcome.findings.append(f"{name}: only in the archive")
    return outcome


def _workspaces() -> Iterator[tuple[WorkspaceId, str]]:
    after: str | None = None
    while page := repository.page_of_workspaces(_AT_ONCE, after):
        for workspace, found in page:
            yield workspace, str(found.data.get("state", "active"))
        after = str(page[-1][0])


def _invoices(workspace: WorkspaceId) -> Iterator[Invoice]:
    for found in firestore.stream(firestore.Query(contracts.path(workspace, "invoices"))):
        yield repository.invoice_of(found)


def _called(invoice: Invoice) -> str:
    return f"{invoice.number} of {invoice.workspace_id} ({invoice.invoice_id})"


def _differing(invoice: Invoice, archived: bytes | None) -> list[str]:
    """Where the archived file says something else than the invoice; both are told, the archive's first."""
    if archived is None:
        return ["only in the database"]
    try:
        stored = json.loads(archived)
        due = stored.pop("due_minor")
        # Read as an invoice, so that a field that came later has its default in a file from before.
        then = Invoice.model_validate_json(json.dumps({**stored, "state": InvoiceState.FINALIZING}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"the archive's file cannot be read ({type(error).__name__})"]
    now = invoice.as_frozen()
    differing = [
        f"{name} differs: {_short(getattr(then, name))} in the archive, {_short(getattr(now, name))} in the database"
        for name in Invoice.model_fields
        if name != "lines" and getattr(then, name) != getattr(now, name)
    ]
    if due != now.due_minor:
        differing.append(f"due_minor differs: {due} in the archive, {now.due_minor} in the database")
    if then.lines != now.lines:
        differing.append(_lines(then, now))
    return differing


def _lines(then: Invoice, now: Invoice) -> str:
    before, after = ({line.line_id: line for line in invoice.lines} for invoice in (then, now))
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    what = ", ".join(names) if names else "their order"
    return f"lines differ ({len(then.lines)} in the archive, {len(now.lines)} in the database): {what}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; SAME, FINDINGS, or NOT_DONE when it could not look."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    from functions.shared.errors import Problem

    parser = argparse.ArgumentParser(prog="drill", description="Compare a database with the archive of invoices.")
    parser.add_argument("--project", required=True)
    parser.add_argument("--database", required=True, help="the database that was restored, or (default)")
    parser.add_argument("--bucket", help="the archive; PROJECT-agenthub-archive unless said")
    options = parser.parse_args(arguments)
    os.environ["GOOGLE_CLOUD_PROJECT_ID"] = options.project
    os.environ["FIRESTORE_DATABASE"] = options.database
    os.environ["ARCHIVE_BUCKET"] = options.bucket or f"{options.project}-agenthub-archive"
    for one in (settings, firestore.client, storage.client):
        one.cache_clear()
    try:
        outcome = compare(settings().archive_bucket)
    except (exceptions.GoogleAPICallError, GoogleAuthError, Problem) as error:
        print(f"It could not look: {error}", file=sys.stderr)
        return NOT_DONE
    print("\n".join(outcome.findings))
    print(f"{outcome.same} invoices are the same in {options.database} and in {settings().archive_bucket}.")
    if outcome.unfinished:
        print(f"{outcome.unfinished} are drafts or being finalized and were not compared.")
    if outcome.erased:
        print(f"{outcome.erased} in the archive are of erased workspaces.")
    print(f"{len(outcome.findings)} findings.")
    return FINDINGS if outcome.findings else SAME


if __name__ == "__main__":
    sys.exit(main())
