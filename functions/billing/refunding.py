"""The operator gives money back: of a transfer in the books alone, of a card payment by the card service first.

A card's refund is noted before the service is asked, under a key that makes the service give it once. Whoever hears of it
first books it, this call or the service's webhook, under the name that the service gave it: a crash in between loses
nothing and books nothing twice.
"""

from functions.billing import card_payments, cards, credits, ledger, repository
from functions.billing import payment_api_models as payment_api
from functions.billing.accounts import invalid
from functions.billing.books import post, tell
from functions.billing.payment_models import Payment, PaymentState, Refund, RefundState
from functions.billing.payments import announce_refund, shown, tell_audit
from functions.billing.refunds import Standing
from functions.shared import firestore, ids, metering
from functions.shared.errors import Conflict, NotFound
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money, MoneyError

GIVES = (PaymentState.SUCCEEDED, PaymentState.PARTLY_REFUNDED)


def refund(
    call: Call, workspace: WorkspaceId, payment_id: str, new: payment_api.NewRefund
) -> tuple[payment_api.Payment, str]:
    """Give a payment back, in whole or in part, once for each Idempotency-Key; the payment as it is then, and its etag.

    Raises NotFound, Invalid, Conflict (`payment_state`, `credit_spent`, `not_refundable`), Unavailable.
    """
    request_id = f"ref_{ids.hashed('refund', payment_id, call.idempotency_id)}"
    asked = firestore.transact(lambda transaction: _asked(transaction, call, workspace, payment_id, request_id, new))
    paid, given, told = asked
    tell(told)
    if _is_cards(paid):
        _by_card(call, workspace, paid, given)
    (found,) = repository.read([repository.payment_path(workspace, payment_id)])
    return shown(repository.payment_of(found)), found.etag


def _asked(
    transaction: firestore.Transaction,
    call: Call,
    workspace: WorkspaceId,
    payment_id: str,
    request_id: str,
    new: payment_api.NewRefund,
) -> tuple[Payment, Refund, list[Event]]:
    """The payment and its refund: booked where it is a transfer's, noted where the card service is to be asked."""
    path = repository.payment_path(workspace, payment_id)
    known, account, spend = transaction.get_all(
        [path, repository.account_path(workspace), metering.spend_path(workspace, call.now)]
    )
    if not known.exists:
        raise NotFound("There is no such payment.")
    paid = repository.payment_of(known)
    for one in paid.refunds:
        if request_id in (one.refund_id, one.request_id):
            return paid, _same(paid, one, new), []
    stored = transaction.get(repository.invoice_path(workspace, paid.invoice_id)) if paid.invoice_id else None
    invoice = repository.invoice_of(stored) if stored is not None and stored.exists else None
    if stored is not None and stored.data.get("voiding"):
        raise Conflict("The invoice is being taken back at this moment. Try again.", code="invoice_state")
    standing = Standing(paid, invoice, credits.refundable(workspace, account, spend, call.now))
    amount_minor = _amount(new, paid)
    if uncovered := standing.uncovered(amount_minor):
        most = Money.of_minor(amount_minor - uncovered, paid.currency)
        detail = f"Its credit is spent, or used and not invoiced yet. Give back at most {most.amount} {most.currency}."
        raise Conflict(detail, code="credit_spent")
    given = Refund(refund_id=request_id, amount_minor=amount_minor, at=call.now, note=new.note)
    told: list[Event] = []
    if _is_cards(paid):
        cards.require()
        standing.note(given.model_copy(update={"state": RefundState.REQUESTED}))
    else:
        standing.give_back(given, call.now)
        standing.look()
        if stored is not None and standing.invoice is not None and standing.invoice != invoice:
            transaction.set(stored.path, repository.invoice_document(standing.invoice))
        moved = ledger.credit(standing.entries)
        credits.move(transaction, workspace, account, spend, moved, source=request_id, at=call.now, paid_only=True)
        told = post(transaction, workspace, standing.entries, call.now)
        told.append(announce_refund(transaction, workspace, standing.paid, given, call.now))
    transaction.set(path, standing.paid.to_document())
    action = "payment.refund_requested" if _is_cards(paid) else "payment.refunded"
    amount = Money.of_minor(amount_minor, paid.currency).amount
    tell_audit(transaction, call.principal, workspace, action, standing.paid, standing.invoice, call.now, refund=amount)
    return standing.paid, given, told


def _is_cards(paid: Payment) -> bool:
    """Whether the card service holds it; an operator may have booked anything under the method `card`."""
    return paid.provider_id is not None and paid.payment_id == card_payments.payment_id_of(paid.provider_id)


def _same(paid: Payment, known: Refund, new: payment_api.NewRefund) -> Refund:
    if new.amount is not None and new.amount != Money.of_minor(known.amount_minor, paid.currency):
        raise Conflict("This Idempotency-Key gave another amount back.", code="idempotency_conflict")
    return known


def _amount(new: payment_api.NewRefund, paid: Payment) -> int:
    if paid.state not in GIVES or not paid.left_minor:
        raise Conflict(f"Of a payment that is {paid.state} nothing can be given back.", code="payment_state")
    if new.amount is None:
        return paid.left_minor
    if new.amount.currency != paid.currency:
        raise invalid("/amount/currency", f"The payment is in {paid.currency}.")
    try:
        minor = new.amount.minor
    except MoneyError as error:
        raise invalid("/amount/amount", str(error)) from error
    if not 0 < minor <= paid.left_minor:
        left = Money.of_minor(paid.left_minor, paid.currency)
        raise invalid("/amount/amount", f"More than nothing, and at most what is left: {left.amount}.")
    return minor


def _by_card(call: Call, workspace: WorkspaceId, paid: Payment, given: Refund) -> None:
    assert paid.provider_id is not None
    request_id = given.request_id or given.refund_id
    if given.provider_id is None:
        said = {
            "refund": request_id,
            "agenthub_installation": card_payments.installation(),
            "workspace": workspace,
        }
        try:
            cards.refund(paid.provider_id, given.amount_minor, said, request_id)
        except cards.NotRefundable:
            _take_away(workspace, paid.payment_id, request_id)
            raise
    card_payments.settle(paid.provider_id, call.now, call.principal)


def _take_away(workspace: WorkspaceId, payment_id: str, request_id: str) -> None:
    """The service refused: the request is answered, and nothing was given back."""
    path = repository.payment_path(workspace, payment_id)

    def work(transaction: firestore.Transaction) -> None:
        paid = repository.payment_of(transaction.get(path))
        left = tuple(one for one in paid.refunds if one.refund_id != request_id)
        transaction.set(path, paid.model_copy(update={"refunds": left}).to_document())

    firestore.transact(work)
