"""What other folders may read of a workspace's money: spend, terms, books, payments, invoices (contracts.py has the rest)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from functions.shared.credit import credit_at
from functions.shared.reads import Read

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId

ALERTS = (800, 1000)
"""Permille of a cap at which a business is told when it chose no others."""


class SpendRead(Read):
    """`workspaces/{workspace}/spend/{month}`: written by shared/metering, in each turn's own commits.

    `state` and `retention_days` are the workspace's own, copied here so that a turn need not read it.
    """

    currency: str = "USD"
    state: Literal["active", "suspended", "closing", "erased"] = "active"
    retention_days: int | None = None
    plan: str = ""
    plan_terms: dict[str, Any] = Field(default_factory=dict)
    cap_nanos: int | None = None
    trial_nanos: int | None = None
    allowance_nanos: int = 0
    credit_nanos: int = 0
    credit_ends: dict[str, int] = Field(default_factory=dict)
    """How much of the credit stops counting at which moment (RFC 3339); the ledger follows with the daily close."""
    credit_apart_nanos: int = 0
    """What of the credit invoices of earlier months, which are not final, will take at most."""
    agent_caps: dict[str, int] = Field(default_factory=dict)
    alerts: tuple[int, ...] = ALERTS
    agent_alerts: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    spent_nanos: int = 0
    cost_nanos: int = 0
    turns: int = 0
    spent_by_agent: dict[str, int] = Field(default_factory=dict)
    holds: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def credit_at(self, now: datetime) -> int:
        """The credit that makes room under the cap at a moment, in nanos; see metering's holds."""
        return credit_at(self.credit_nanos, self.credit_ends, self.credit_apart_nanos, now)


class AgreedPlan(Read):
    """The plan that a workspace has from a month on, until the next one that was agreed."""

    from_month: str
    plan: str
    plan_terms: dict[str, Any]


class BillingRead(Read):
    """`workspaces/{workspace}/billing/account`: the terms that a new period's spend document starts with.

    `plans` are those that were ever agreed, in order; where it is empty, `plan` and `plan_terms` hold for every month.
    """

    plan: str = "pay_as_you_go"
    plan_terms: dict[str, Any] = Field(default_factory=dict)
    plans: tuple[AgreedPlan, ...] = ()
    cap_nanos: int | None = None
    agent_caps: dict[str, int] = Field(default_factory=dict)
    visitor_hour_permille: int = 100
    visitor_day_permille: int = 250
    credit_nanos: int = 0
    credit_ends: dict[str, int] = Field(default_factory=dict)
    alerts: tuple[int, ...] = ALERTS
    """Permille of the cap at which the business is told."""
    agent_alerts: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """The same for the caps of agents; ALERTS for one that is not named."""
    paid_once: bool = False


class BooksRead(Read):
    """`workspaces/{workspace}/billing/state`: how far the books are."""

    period: str | None = None
    """The first month whose invoice is not final."""


class PaymentRead(Read):
    """`workspaces/{workspace}/payments/{payment}`: what came in, in minor units; `invoice_id` is None for bought credit."""

    invoice_id: str | None = None
    amount_minor: int
    currency: str
    received_at: datetime
    method: str
    provider_id: str | None = None
    state: str = "succeeded"
    refunded_minor: int = 0


def filed_invoice(workspace: WorkspaceId, invoice: str, ending: Literal["json", "pdf"]) -> str:
    """Where in the archive bucket billing files a final invoice."""
    return f"invoices/{workspace}/{invoice}.{ending}"


def filed_evidence(workspace: WorkspaceId, invoice: str, ending: Literal["json", "unsigned.json"]) -> str:
    """Where in the archive bucket billing files the evidence of a final invoice; signed as soon as a key signs."""
    return f"evidence/{workspace}/{invoice}.{ending}"


def filed_credit_note(workspace: WorkspaceId, note: str, ending: Literal["json", "pdf"]) -> str:
    """Where in the archive bucket billing files a credit note."""
    return f"credit-notes/{workspace}/{note}.{ending}"


class InvoiceRead(Read):
    """`workspaces/{workspace}/invoices/{invoice}`: what lists and searches outside billing may show."""

    number: str | None = None
    period: str
    state: str
    currency: str
    net_minor: int = 0
    total_minor: int = 0
    due_minor: int = 0
