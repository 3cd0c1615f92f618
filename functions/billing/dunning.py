"""What is done about invoices that are overdue: the steps of dunning.yaml, each once, by the daily close.

A step is a notification `invoice.overdue`; dashboard-webhooks sends the mail and, where the step says so, suspends the
workspace, which is dashboard's document. The invoice knows its steps, and they are written in the same commit.
"""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.billing import invoicing, repository
from functions.billing.books import Books, tell
from functions.billing.models import Invoice, InvoiceState
from functions.shared import clock, firestore, notifications
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money, exact_json

Template = Literal["reminder", "second_reminder", "last_warning", "suspended"]


class Step(BaseModel):
    """One step: so many days after the due date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    days: Annotated[int, Field(ge=0, le=365)]
    template: Template
    action: Literal["remind", "warn", "suspend"]


class Plan(BaseModel):
    """The steps in order. Raises ValueError unless days rise, names differ and only the last one suspends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    steps: tuple[Step, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = [step.days for step in self.steps]
        if days != sorted(set(days)) or len({step.step for step in self.steps}) < len(self.steps):
            raise ValueError("steps have names of their own, and each comes later than the one before")
        if any(step.action == "suspend" for step in self.steps[:-1]):
            raise ValueError("only the last step may suspend")
        return self


@cache
def plan() -> Plan:
    """The steps as they ship."""
    return Plan.model_validate(exact_json(Path(__file__).with_name("dunning.yaml").read_text("utf-8")))


def dun(books: Books) -> None:
    """Mark what is overdue at the run's `as_of`, and take the steps that are due. Again, it takes none.

    Raises Changed when somebody pays at this moment; the close then begins again.
    """
    for found in repository.invoices_in(books.workspace, InvoiceState.OPEN, InvoiceState.OVERDUE):
        invoice = repository.invoice_of(found)
        later = invoicing.settle(invoice, invoice.paid_minor, books.as_of)
        steps = due(plan(), later, books.as_of)
        if (later.state == invoice.state and not steps) or found.data.get("voiding"):
            continue
        dunned = (*invoice.after.dunned, *(step.step for step in steps))
        later = later.model_copy(update={"after": later.after.model_copy(update={"dunned": dunned})})
        batch = firestore.Batch()
        batch.replace(found.path, repository.invoice_document(later), if_etag=found.etag)
        told = [_tell(batch, books.workspace, later, step, books.as_of) for step in steps]
        batch.commit()
        tell(told)


def due(steps: Plan, invoice: Invoice, as_of: datetime) -> list[Step]:
    """The steps that an overdue invoice waits for at a moment, in order."""
    if invoice.state != InvoiceState.OVERDUE or invoice.due_at is None:
        return []
    reached = as_of - _since(invoice)
    return [
        step for step in steps.steps if timedelta(days=step.days) <= reached and step.step not in invoice.after.dunned
    ]


def _since(invoice: Invoice) -> datetime:
    """When it became due, or due again."""
    assert invoice.due_at is not None
    return max(invoice.due_at, invoice.after.owed_again_at or invoice.due_at)


def _tell(batch: firestore.Batch, workspace: WorkspaceId, invoice: Invoice, step: Step, as_of: datetime) -> Event:
    assert invoice.due_at is not None
    facts: dict[str, Any] = {
        "invoice_number": invoice.number,
        "period": invoice.period,
        "amount": Money.of_minor(invoice.total_minor, invoice.currency).amount,
        "due": Money.of_minor(invoice.due_minor, invoice.currency).amount,
        "currency": invoice.currency,
        "due_at": clock.to_text(invoice.due_at),
        "days_overdue": (as_of - _since(invoice)).days,
        "step": step.step,
        "template": step.template,
        "action": step.action,
    }
    again = invoice.after.owed_again_at
    once = f"{step.step}:{clock.to_text(again)}" if again else step.step
    return notifications.record(
        batch, workspace, "invoice.overdue", subject=invoice.invoice_id, once=once, facts=facts, now=as_of
    )
