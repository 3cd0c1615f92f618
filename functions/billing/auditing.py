"""What the operator does to an invoice, as the workspace's audit log and the operator's own tell it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from functions.billing.models import Invoice, InvoiceState
from functions.shared import activity, firestore
from functions.shared.http import Call
from functions.shared.identity import Principal, WorkspaceId


def audit_finalized(call: Call, workspace: WorkspaceId, invoice_id: str) -> Callable[[firestore.Batch], None]:
    """What finalizing by hand adds to its transaction: the entry in the audit log."""

    def also(batch: firestore.Batch) -> None:
        activity.record(
            batch,
            workspace,
            call.principal,
            "invoice.finalized",
            kind="invoice",
            subject=invoice_id,
            after={"state": InvoiceState.FINALIZING.value},
            now=call.now,
        )

    return also


def audit_finished(
    batch: firestore.Batch, workspace: WorkspaceId, invoice: Invoice, after: dict[str, Any], now: datetime
) -> None:
    """Add to the commit that the close finished a void that the operator had begun: to both logs, since none has it."""
    _record(batch, workspace, None, "invoice.voided", invoice, after, now)
    activity.record_operators_act(
        batch,
        None,
        "invoice.voided",
        workspace=workspace,
        subject=invoice.invoice_id,
        name=invoice.number or "",
        after=after,
        now=now,
    )


def audit(
    batch: firestore.Batch, call: Call, workspace: WorkspaceId, action: str, invoice: Invoice, after: dict[str, Any]
) -> None:
    """Add to the commit what the operator did to an invoice."""
    _record(batch, workspace, call.principal, action, invoice, after, call.now)


def _record(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    principal: Principal | None,
    action: str,
    invoice: Invoice,
    after: dict[str, Any],
    now: datetime,
) -> None:
    activity.record(
        batch,
        workspace,
        principal,
        action,
        kind="invoice",
        subject=invoice.invoice_id,
        name=invoice.number or "",
        before={"state": invoice.state.value, "due_minor": invoice.due_minor},
        after=after,
        now=now,
    )
