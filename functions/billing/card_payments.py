"""Brings the books to what the card service says of a payment: received, given back, disputed, lost; each once.

The payment's id is made of the service's own name for it, and so is each refund's: whoever asks first books it, webhook or
operator, and everybody after finds it booked. What does not fit what we asked for is kept aside and moves no money.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from functions.billing import cards, credits, ledger, repository, written_off
from functions.billing.books import post, tell
from functions.billing.cards import CardPayment, IntentState
from functions.billing.grants import GrantKind
from functions.billing.models import Invoice, InvoiceState
from functions.billing.payment_models import Payment, PaymentState, Refund, RefundState
from functions.billing.payments import announce_payment, announce_refund, tell_audit
from functions.billing.refunds import Standing
from functions.shared import contracts, firestore, ids, logs, metering
from functions.shared.config import settings
from functions.shared.contracts import WorkspaceRead
from functions.shared.errors import Unavailable
from functions.shared.events import Event
from functions.shared.identity import Principal, WorkspaceId
from functions.shared.identity.workspace import from_card_payment

METHOD = "card"
OFFERED = (
    InvoiceState.OPEN,
    InvoiceState.OVERDUE,
    InvoiceState.PAID,
    InvoiceState.UNCOLLECTIBLE,
    InvoiceState.VOID,
)
"""States of an invoice that a checkout may have been made for, and what became of it until the money came."""


_NOT_HERE = (PaymentState.PENDING, PaymentState.FAILED)


class _Stray(Exception):
    """The payment is not what we asked for; the text says why."""


def installation() -> str:
    """The name under which this installation finds its own payments in an account that others may use, too."""
    return f"{settings().project}/{settings().environment}"


def stated(workspace: WorkspaceId, amount_minor: int, currency: str, invoice_id: str | None) -> dict[str, str]:
    """What a payment is for, as it is kept with the card service and read back by `settle`."""
    return {
        "agenthub_installation": installation(),
        "workspace": workspace,
        "purpose": "credit" if invoice_id is None else "invoice",
        "amount_minor": str(amount_minor),
        "currency": currency,
        **({} if invoice_id is None else {"invoice": invoice_id}),
    }


def payment_id_of(intent: str) -> str:
    """The id of the one payment that the card service calls so."""
    return f"pay_{ids.hashed('stripe', intent)}"


def refund_id_of(name: str) -> str:
    """The id of the one refund, or lost dispute, that the card service calls so."""
    return f"ref_{ids.hashed('stripe', name)}"


def settle(intent: str, now: datetime, principal: Principal | None = None) -> None:
    """Ask what became of a payment and book what is not booked yet; in one transaction, so that a repeat is nothing.

    A payment that we never asked for, or not so, is kept aside and alarmed, and nothing is booked. Raises Unavailable
    when the service does not answer, or the invoice is being voided: come again.
    """
    found = cards.payment(intent)
    if found is None:
        _keep_aside(intent, None, "there is no such payment in our account", now)
        return
    if "agenthub_installation" not in found.metadata:
        logs.info("A payment of the account that is not ours was passed over", intent=intent)
        return
    try:
        workspace = _workspace(found)
        told, happened = firestore.transact(lambda transaction: _brought(transaction, workspace, found, now, principal))
    except _Stray as stray:
        if found.state != IntentState.FAILED:
            _keep_aside(intent, found, str(stray), now)
        return
    tell(told)
    if "payment.disputed" in happened:
        logs.alarm("a card payment is disputed", intent=intent, workspace_id=workspace)
    if "credit.owed" in happened:
        logs.alarm(
            "credit that is spent was taken back, and no invoice asks for it", intent=intent, workspace_id=workspace
        )
    if sum(one.amount_minor for one in _gone(found)) > found.amount_minor:
        logs.alarm("more was given back of a card payment than had been paid", intent=intent, workspace_id=workspace)


def _workspace(found: CardPayment) -> WorkspaceId:
    stated_here = found.metadata
    if stated_here["agenthub_installation"] != installation():
        raise _Stray("it belongs to another installation")
    if stated_here.get("amount_minor") != str(found.amount_minor):
        raise _Stray("the amount is not the one that was asked for")
    if stated_here.get("currency") != found.currency:
        raise _Stray("the currency is not the one that was asked for")
    if (stated_here.get("purpose") == "invoice") != ("invoice" in stated_here):
        raise _Stray("it says not what it is for")
    try:
        return from_card_payment(stated_here.get("workspace", ""))
    except ValueError:
        raise _Stray("it names no workspace") from None


def _brought(
    transaction: firestore.Transaction,
    workspace: WorkspaceId,
    found: CardPayment,
    now: datetime,
    principal: Principal | None,
) -> tuple[list[Event], Collection[str]]:
    invoice_id = found.metadata.get("invoice")
    paths = [
        contracts.workspace_path(workspace),
        repository.payment_path(workspace, payment_id_of(found.intent)),
        repository.account_path(workspace),
        metering.spend_path(workspace, now),
        *([] if invoice_id is None else [repository.invoice_path(workspace, _document(invoice_id))]),
    ]
    home, known, account, spend, *invoices = transaction.get_all(paths)
    before = repository.payment_of(known) if known.exists else None
    invoice = _checked(home, invoices[0] if invoices else None, found, known=before is not None)
    paid = before or _new(workspace, found)
    standing = Standing(paid, invoice, credits.wallet_of(account, now).paid)
    if invoice is not None and found.state == IntentState.SUCCEEDED and paid.state in _NOT_HERE:
        standing.invoice, standing.entries = written_off.revived(invoice, paid.payment_id, now)
    happened = _bring(standing, found, now, known=before is not None)
    if standing.paid == before or (before is None and found.state == IntentState.FAILED):
        return [], ()
    transaction.set(known.path, standing.paid.to_document())
    if invoice is not None and standing.invoice is not None and standing.invoice != invoice:
        transaction.set(invoices[0].path, repository.invoice_document(standing.invoice))
    received = "payment.recorded" in happened
    credits.move(
        transaction,
        workspace,
        account,
        spend,
        ledger.credit(standing.entries),
        paid=received,
        kind=GrantKind.OVERPAYMENT if invoice_id else GrantKind.PURCHASED,
        source=standing.paid.payment_id,
        at=now,
        paid_only=True,
    )
    told = post(transaction, workspace, standing.entries, now)
    if received:
        told.append(announce_payment(transaction, workspace, standing.paid, standing.invoice, now))
    for action, given in happened.items():
        tell_audit(transaction, principal, workspace, action, standing.paid, standing.invoice, now)
        told += [announce_refund(transaction, workspace, standing.paid, one, now) for one in given]
    return told, happened


def _document(name: str) -> str:
    if not ids.valid("invoice", name):
        raise _Stray("it names no invoice")
    return name


def _checked(
    home: firestore.Snapshot, stored: firestore.Snapshot | None, found: CardPayment, *, known: bool
) -> Invoice | None:
    """The invoice that is paid, or None for credit. Raises _Stray where workspace, invoice and currency do not fit.

    The books outlive an erased workspace: what becomes of a payment that is `known` is booked all the same.
    """
    if not home.exists or (home.data.get("state") == "erased" and not known):
        raise _Stray("there is no such workspace")
    if WorkspaceRead.model_validate(home.data).currency != found.currency:
        raise _Stray("the workspace has another currency")
    if stored is None:
        return None
    if not stored.exists:
        raise _Stray("the workspace has no such invoice")
    invoice = repository.invoice_of(stored)
    if invoice.currency != found.currency or invoice.state not in OFFERED:
        raise _Stray("the invoice is not one that was offered for payment")
    if stored.data.get("voiding"):
        raise Unavailable("The invoice is being taken back at this moment.", code="voiding", retry_after=5)
    return invoice


def _new(workspace: WorkspaceId, found: CardPayment) -> Payment:
    return Payment(
        payment_id=payment_id_of(found.intent),
        workspace_id=workspace,
        invoice_id=found.metadata.get("invoice"),
        amount_minor=found.amount_minor,
        currency=found.currency,
        received_at=found.at,
        method=METHOD,
        provider_id=found.intent,
        state=PaymentState.PENDING,
        on_invoice_minor=0,
    )


def _bring(standing: Standing, found: CardPayment, now: datetime, *, known: bool) -> dict[str, list[Refund]]:
    """Bring a payment to what is found; what happened, as actions of the audit log with the refunds that were booked."""
    happened: dict[str, list[Refund]] = {}
    if found.state != IntentState.SUCCEEDED:
        failed = found.state == IntentState.FAILED
        if known and failed and standing.paid.state == PaymentState.PENDING:
            standing.paid = standing.paid.model_copy(update={"state": PaymentState.FAILED})
            happened["payment.failed"] = []
        elif not known and not failed:
            happened["payment.begun"] = []
        return happened
    if standing.paid.state in _NOT_HERE:
        standing.paid = standing.paid.model_copy(update={"received_at": found.at})
        standing.receive(now)
        happened["payment.recorded"] = []
    booked = {one.refund_id: one for one in standing.paid.refunds}
    given, returned = [], []
    for refund in _refunds(standing.paid, found):
        before = booked.get(refund.refund_id)
        if refund.state == RefundState.FAILED:
            if before is None:
                standing.note(refund)
            elif before.state == RefundState.BOOKED:
                standing.take_back(refund.refund_id, refund.at, now)
                returned.append(refund)
        elif before is None and (left := standing.paid.left_minor):
            # A bank may take back what we gave back already: of the payment no more than all of it is gone.
            gone = refund.model_copy(update={"amount_minor": min(refund.amount_minor, left)})
            standing.give_back(gone, now)
            given.append(gone)
    if given:
        happened["payment.refunded"] = given
    if any(one.owed_minor for one in standing.paid.refunds if one.refund_id not in booked):
        happened["credit.owed"] = []
    if returned:
        happened["payment.refund_failed"] = []
    decided = {*standing.paid.decided, *(one.id for one in found.disputes if one.won or one.lost)}
    disputed = any(one.open and one.id not in decided for one in found.disputes)
    if disputed and standing.paid.state != PaymentState.DISPUTED:
        happened["payment.disputed"] = []
    _answer_requests(standing, found)
    standing.paid = standing.paid.model_copy(update={"decided": tuple(sorted(decided))})
    standing.look(disputed=disputed)
    return happened


def _refunds(paid: Payment, found: CardPayment) -> list[Refund]:
    """What went back, the oldest first: refunds, and disputes that were lost. One that was lost and is won after all, since
    the payer has withdrawn it, is money that came back, as of a refund that failed."""
    known = {one.refund_id: one for one in paid.refunds}
    refunds = []
    for one in found.refunds:
        asked = known.get(one.metadata.get("refund", ""))
        refunds.append(
            Refund(
                refund_id=refund_id_of(one.id),
                amount_minor=one.amount_minor,
                at=one.at,
                provider_id=one.id,
                state=RefundState.FAILED if one.failed else RefundState.BOOKED,
                request_id=asked.refund_id if asked else None,
                note=asked.note if asked else None,
            )
        )
    refunds += [
        Refund(
            refund_id=refund_id_of(one.id),
            amount_minor=one.amount_minor,
            at=one.at,
            provider_id=one.id,
            state=RefundState.BOOKED if one.lost else RefundState.FAILED,
            disputed=True,
        )
        for one in found.disputes
        if one.lost or (one.won and refund_id_of(one.id) in known)
    ]
    return sorted(refunds, key=lambda one: (one.at, one.refund_id))


def _gone(found: CardPayment) -> list[cards.Refunded | cards.Dispute]:
    """What is no longer here."""
    return [*(one for one in found.refunds if not one.failed), *(one for one in found.disputes if one.lost)]


def _answer_requests(standing: Standing, found: CardPayment) -> None:
    """A request for a refund has its answer, under the name that the card service gave it."""
    answered = {one.metadata.get("refund") for one in found.refunds}
    left = [one for one in standing.paid.refunds if one.refund_id not in answered]
    if len(left) != len(standing.paid.refunds):
        standing.paid = standing.paid.model_copy(update={"refunds": tuple(left)})


def _keep_aside(intent: str, found: CardPayment | None, why: str, now: datetime) -> None:
    """Note a payment that nobody here asked for, once, and alarm: somebody gives it back or books it by hand."""
    said: Mapping[str, Any] = {} if found is None else {"amount_minor": found.amount_minor, "currency": found.currency}
    names = {} if found is None else {name: str(value)[:200] for name, value in sorted(found.metadata.items())[:20]}
    batch = firestore.Batch()
    batch.create(
        f"strays/{ids.hashed('stripe', intent)}",
        {"intent": intent[:200], "why": why, "seen_at": now, "stated": names, **said},
    )
    try:
        batch.commit()
    except firestore.AlreadyExists:
        return
    logs.alarm(
        "a card payment does not fit what was asked for and was kept aside", intent=intent[:200], why=why, **said
    )
