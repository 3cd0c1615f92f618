"""Customer credit as it is kept: grants in the account's document, so that their sum is what metering reads.

Whoever moves credit does it here, in the commit that books it: account, running period and grants never differ. The
rules are in grants.py, the entries in adjustments.py.
"""

from datetime import datetime, timedelta
from functools import cache

from functions.billing import adjustments, ledger, repository
from functions.billing import credit_api_models as api
from functions.billing.accounts import invalid
from functions.billing.aftermath import CreditPart
from functions.billing.books import Books, post, tell
from functions.billing.grants import Grant, GrantKind, Wallet
from functions.billing.models import Account, EntryKind, InvoiceState, LedgerEntry
from functions.shared import activity, clock, contracts, digests, firestore, metering
from functions.shared.config import settings
from functions.shared.contracts import BillingRead, WorkspaceRead
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.events import Event
from functions.shared.http import Call, Page, page_token, page_values
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import is_name
from functions.shared.money import Money, MoneyError, divide_up, minor_unit
from functions.shared.plans import PlanTerms, period_charges

LONGEST = timedelta(days=3660)
"""How far ahead an expiry may lie; what is beyond it is a slip in the year."""


def wallet_of(account: firestore.Snapshot, since: datetime) -> Wallet:
    """The grants in an account as it was read."""
    return Wallet.of(account.data, since)


def refundable(workspace: WorkspaceId, account: firestore.Snapshot, spend: firestore.Snapshot, now: datetime) -> int:
    """What of the customer's own money among the credit may be paid back, in nanos: not what is used and not invoiced yet.

    `spend` is the running period as found; some reads where nothing has opened it.
    """
    wallet = wallet_of(account, now)
    period = metering.Spend.stored(metering.seen_terms(workspace, spend))
    return min(wallet.paid, max(0, wallet.balance - period.counted_on(now)))


def keep(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    account: firestore.Snapshot,
    spend: firestore.Snapshot,
    wallet: Wallet,
    *,
    paid: bool = False,
    apart_nanos: int = 0,
) -> None:
    """Write the wallet into the account and the running period, once in a commit; `paid` ends a trial.

    `apart_nanos`: so much more of it makes no room, since an invoice that the commit drafts will take it.
    """
    known = BillingRead.model_validate(account.data)
    fields = wallet.fields()
    same = all(account.data.get(name) == value for name, value in fields.items()) and (known.paid_once or not paid)
    if same and not apart_nanos:
        return
    document = {**account.data, **fields, "paid_once": known.paid_once or paid}
    batch.set(account.path, document)
    terms = BillingRead.model_validate(document)
    metering.write_terms(batch, workspace, terms, spend, apart_nanos=apart_nanos)


def move(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    account: firestore.Snapshot,
    spend: firestore.Snapshot,
    nanos: int,
    *,
    paid: bool = False,
    kind: GrantKind = GrantKind.OVERPAYMENT,
    source: str = "",
    at: datetime | None = None,
    paid_only: bool = False,
) -> tuple[CreditPart, ...]:
    """Add credit (above zero) as a grant, or burn it (below zero); returns what was burned.

    Credit that was bought expires after CREDIT_DAYS where that is set, other credit never. At most once for an account
    in a commit. `source` names the payment or invoice, `at` is when. `paid_only` leaves
    alone what was given: that is never paid back. Raises CreditShort when there is too little.
    """
    moment = at or clock.start_of_month(spend.id)
    wallet = wallet_of(account, moment)
    parts: tuple[CreditPart, ...] = ()
    if nanos > 0:
        days = settings().credit_days if kind is GrantKind.PURCHASED else 0
        expires_at = moment + timedelta(days=days) if days else None
        wallet = wallet.add(made(workspace, nanos, kind, source, moment, expires_at))
    elif nanos < 0:
        wallet, parts = wallet.burn(-nanos, paid_only=paid_only)
    if nanos or paid:
        keep(batch, workspace, account, spend, wallet, paid=paid)
    return parts


def made(
    workspace: WorkspaceId,
    nanos: int,
    kind: GrantKind,
    source: str,
    at: datetime,
    expires_at: datetime | None = None,
    reason: str = "",
) -> Grant:
    """A grant whose id follows from where it comes from."""
    return Grant(
        grant_id=digests.stable_id("crg", at, str(workspace), kind.value, source, str(expires_at or "")),
        kind=kind,
        amount_nanos=nanos,
        remaining_nanos=nanos,
        granted_at=at,
        expires_at=expires_at,
        source=source,
        reason=reason,
    )


def given_back(
    wallet: Wallet, workspace: WorkspaceId, parts: tuple[CreditPart, ...], source: str, at: datetime
) -> Wallet:
    """The wallet with parts that an invoice had burned, each of its kind and with its expiry."""
    for part in parts:
        wallet = wallet.add(
            made(workspace, part.nanos, GrantKind(part.kind), f"{source}.{part.grant_id}", at, part.expires_at)
        )
    return wallet


def grant(call: Call, workspace: WorkspaceId, new: api.NewCredit) -> tuple[api.CreditGrant, str]:
    """Give credit, once for an Idempotency-Key; as it was given, and the etag of that.

    Raises NotFound, Invalid, Conflict (`too_many_grants`).
    """
    grant_id = f"crg_{call.idempotency_id}"
    paths = [
        contracts.workspace_path(workspace),
        repository.account_path(workspace),
        metering.spend_path(workspace, call.now),
        repository.grant_path(workspace, grant_id),
    ]

    def work(transaction: firestore.Transaction) -> tuple[Grant, str, list[Event]]:
        home, account, spend, known = transaction.get_all(paths)
        if not home.exists or home.data.get("state") == "erased":
            raise NotFound("There is no such workspace.")
        currency = WorkspaceRead.model_validate(home.data).currency
        given = _promotional(call, workspace, grant_id, new, currency)
        if known.exists:
            return _same(Grant.model_validate(known.data), given), currency, []
        wallet = wallet_of(account, call.now)
        if wallet.is_full:
            raise Conflict("There are too many grants that are not used up.", code="too_many_grants")
        booked = adjustments.granted(workspace, given.amount_nanos, currency, grant_id, call.now)
        given = given.model_copy(update={"source": booked.entry_id})
        transaction.create(known.path, given.model_dump() | {"kind": given.kind.value})
        keep(transaction, workspace, account, spend, wallet.add(given))
        told = post(transaction, workspace, [booked], call.now)
        activity.record(
            transaction,
            workspace,
            call.principal,
            "credit.granted",
            kind="billing",
            subject=grant_id,
            name=new.reason,
            after={"amount": new.amount.amount, "currency": currency, "expires_at": new.expires_at},
            now=call.now,
        )
        return given, currency, told

    given, currency, told = firestore.transact(work)
    tell(told)
    (kept,) = repository.read(paths[-1:])
    return _shown(given, currency, call.now), kept.etag


def _promotional(call: Call, workspace: WorkspaceId, grant_id: str, new: api.NewCredit, currency: str) -> Grant:
    if new.amount.currency != currency:
        raise invalid("/amount/currency", f"The workspace is billed in {currency}.")
    try:
        positive = new.amount.minor > 0
    except MoneyError as error:
        raise invalid("/amount/amount", str(error)) from error
    if not positive:
        raise invalid("/amount/amount", "Credit is more than nothing.")
    if new.expires_at is not None and not call.now < new.expires_at <= call.now + LONGEST:
        raise invalid("/expires_at", "Credit expires in the future, within ten years.")
    return made(
        workspace, new.amount.nanos, GrantKind.PROMOTIONAL, "", call.now, new.expires_at, new.reason
    ).model_copy(update={"grant_id": grant_id})


def _same(known: Grant, given: Grant) -> Grant:
    if (known.amount_nanos, known.expires_at, known.reason) != (given.amount_nanos, given.expires_at, given.reason):
        raise Conflict("This Idempotency-Key granted another credit.", code="idempotency_conflict")
    return known


def expire(books: Books) -> None:
    """Book what has expired at the run's `as_of`, as far as its last day is closed. Again, it books nothing.

    One read where nothing ends.
    """
    workspace, as_of = books.workspace, books.as_of
    closed, open_month = books.last_closed, books.period
    paths = [repository.account_path(workspace), metering.spend_path(workspace, as_of)]

    (known,) = repository.read(paths[:1])
    ends = [one.expires_at for one in wallet_of(known, as_of).grants if one.expires_at is not None]
    if closed is None or not any(end <= as_of for end in ends):
        return

    @cache
    def used(day: str) -> int:
        # What a month's plan includes, or takes off for quantity, is not paid by credit; an invoice asks for whole coins.
        coin = minor_unit(books.home.currency)
        open_usage = [*_open_usage(workspace, open_month, day), *_usage_of(workspace, reissued(), day)]
        return sum(divide_up(max(0, nanos), coin) * coin for nanos in open_usage)

    @cache
    def reissued() -> list[str]:
        # What a void invoice had taken is held for the one that is issued in its place.
        drafts = [repository.invoice_of(one) for one in repository.invoices_in(workspace, InvoiceState.DRAFT)]
        return [one.period for one in drafts if one.after.replaces is not None]

    def work(transaction: firestore.Transaction) -> list[Event]:
        account, spend = transaction.get_all(paths)
        wallet = wallet_of(account, as_of)
        left, parts = wallet.expire(as_of, closed, used)
        if left == wallet:
            return []
        # What an invoice had used and a void gave back came from that invoice, and from no entry of its own.
        given = {one.grant_id: one.source for one in wallet.grants if not one.paid and one.source.startswith("led_")}
        held = {one.grant_id: one.remaining_nanos for one in left.grants}
        entries = [
            adjustments.expired(
                workspace,
                part,
                books.home.currency,
                grant_entry=given.get(part.grant_id),
                open_month=open_month,
                at=as_of,
                left=held.get(part.grant_id, 0),
            )
            for part in parts
        ]
        keep(transaction, workspace, account, spend, left)
        return post(transaction, workspace, entries, as_of)

    tell(firestore.transact(work))


def _open_usage(workspace: WorkspaceId, first: str, day: str) -> list[int]:
    """For each month without a final invoice what its usage, up to a day, comes to by its plan, in nanos; of a month that
    was over by then, what its invoice will."""
    months, month = [], first
    while month <= day[:7]:
        months.append(month)
        month = clock.next_month(month)
    return _usage_of(workspace, months, day)


def _usage_of(workspace: WorkspaceId, months: list[str], day: str) -> list[int]:
    found = []
    for month in months:
        start = clock.start_of_month(month)
        spend, account = repository.read([metering.spend_path(workspace, start), repository.account_path(workspace)])
        known = BillingRead.model_validate(account.data)
        terms = PlanTerms.model_validate(spend.data.get("plan_terms") or metering.agreed(known, month).plan_terms)
        entries = [one for one in repository.entries_of_period(workspace, month) if one.kind == EntryKind.USAGE]
        usage = [one for one in entries if one.day and one.day <= day]
        charges = period_charges(terms, ledger.unbilled(usage), ledger.counted(usage), month)
        over = month < day[:7]
        found.append(_invoiced(charges.net, usage, terms, month) if over else charges.charged)
    return found


def _invoiced(net: int, usage: list[LedgerEntry], terms: PlanTerms, month: str) -> int:
    """What the invoice of a month that was over takes at most: its fee and tax, too, were due before the credit ended."""
    lines = {(one.usage_period, one.agent_id, one.model, one.price_version) for one in usage}
    coin = minor_unit(terms.currency)
    rounding = metering.rounding_at_most(len(lines), terms) if net > 0 else 0
    return metering.invoiced_at_most(divide_up(max(0, net), coin) + rounding, terms, month)


def show(call: Call, query: Page) -> api.Credits:
    """The balance, the grants in the order in which they burn, and the movements, the latest first."""
    values = page_values(query.page_token, 2)
    try:
        after = None if values is None else (clock.from_text(str(values[0])), str(values[1]))
        if after is not None and not is_name(after[1]):
            raise ValueError("no name")
    except ValueError:
        raise Invalid(
            errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}]
        ) from None
    home, account = repository.read([contracts.workspace_path(call.workspace), repository.account_path(call.workspace)])
    currency = WorkspaceRead.model_validate(home.data).currency
    wallet = wallet_of(account, call.now)
    found = repository.page_of_credit(call.workspace, query.page_size + 1, after)
    shown = found[: query.page_size]
    more = len(found) > query.page_size
    return api.Credits(
        balance=Money.of_nanos(wallet.balance, currency),
        grants=[_shown(one, currency, call.now) for one in wallet.grants],
        movements=[_movement(entry, currency) for entry in shown],
        next_page_token=page_token(clock.to_text(shown[-1].booked_at), shown[-1].entry_id) if more else None,
        as_of=call.now,
    )


def _shown(one: Grant, currency: str, now: datetime) -> api.CreditGrant:
    over = one.expires_at is not None and one.expires_at <= now
    return api.CreditGrant(
        id=one.grant_id,
        kind=one.kind.value,
        amount=Money.of_nanos(one.amount_nanos, currency),
        remaining=Money.of_nanos(one.remaining_nanos, currency),
        granted_at=one.granted_at,
        expires_at=one.expires_at,
        state="held" if one.held else "expiring" if over else "live",
        source=one.source or None,
        reason=one.reason or None,
    )


def _movement(entry: LedgerEntry, currency: str) -> api.CreditMovement:
    return api.CreditMovement(
        id=entry.entry_id,
        kind=entry.kind.value,
        amount=Money.of_nanos(-entry.on(Account.CUSTOMER_CREDIT), currency),
        at=entry.booked_at,
        grant_id=entry.payment_id if entry.payment_id and entry.payment_id.startswith("crg_") else None,
        invoice_id=entry.invoice_id,
        source=entry.payment_id,
    )
