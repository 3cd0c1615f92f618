"""Invoices and payments as they are read, down to the single turn under a line; a PDF comes from the archive as it was filed."""

from collections.abc import Iterator

from functions.billing import api_models as api
from functions.billing import billed, past_usage, repository
from functions.billing import invoice_api_models as invoice_api
from functions.billing import payment_api_models as payment_api
from functions.billing.finalizing import PDF, archive_name
from functions.billing.models import USAGE_LINES, Invoice, InvoiceLine, Party
from functions.billing.payments import shown as shown_payment
from functions.shared import clock, storage
from functions.shared.config import settings
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.events import Event
from functions.shared.http import Bytes, Call, Items, Page, page_token, page_values
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import is_name
from functions.shared.money import Money, format_decimal


def page(workspace: WorkspaceId, query: invoice_api.InvoicesQuery) -> Items[invoice_api.InvoiceSummary]:
    """Invoices, the newest month first."""
    values = page_values(query.page_token, 2)
    after = None if values is None else (str(values[0]), _name(values[1]))
    found = repository.page_of_invoices(workspace, query.state, query.page_size + 1, after)
    shown = [_summary(repository.invoice_of(one)) for one in found[: query.page_size]]
    more = len(found) > query.page_size
    return Items(items=shown, next_page_token=page_token(shown[-1].period, shown[-1].id) if more else None)


def _name(value: object) -> str:
    """The id of a document in a page token, which is text from outside."""
    if not isinstance(value, str) or not is_name(value):
        raise _no_token()
    return value


def _no_token() -> Invalid:
    return Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])


def find(workspace: WorkspaceId, invoice_id: str) -> tuple[Invoice, str]:
    """An invoice and its etag. Raises NotFound."""
    (found,) = repository.read([repository.invoice_path(workspace, invoice_id)])
    if not found.exists:
        raise NotFound("There is no such invoice.")
    return repository.invoice_of(found), found.etag


def one(workspace: WorkspaceId, invoice_id: str) -> tuple[invoice_api.Invoice, str]:
    """An invoice with its lines, and its etag. Raises NotFound."""
    invoice, etag = find(workspace, invoice_id)
    currency = invoice.currency
    return (
        invoice_api.Invoice(
            **_summary(invoice).model_dump(exclude={"total", "paid", "due"}),
            total=Money.of_minor(invoice.total_minor, currency),
            paid=Money.of_minor(invoice.paid_minor, currency),
            due=Money.of_minor(invoice.due_minor, currency),
            plan=invoice.plan,
            plan_version=invoice.plan_version,
            seller=_party(invoice.seller),
            bill_to=_party(invoice.bill_to),
            payment_terms=invoice.payment_terms,
            lines=[_line(line, currency) for line in invoice.lines],
            net=Money.of_minor(invoice.net_minor, currency),
            tax_rate=format_decimal(invoice.tax_rate),
            reverse_charge=invoice.reverse_charge,
            tax_note=invoice.tax_note,
            tax=Money.of_minor(invoice.tax_minor, currency),
            credit_used=Money.of_minor(invoice.credit_minor, currency),
            credited=Money.of_minor(invoice.after.credited_minor, currency),
            written_off=Money.of_minor(invoice.after.written_off_minor, currency),
            replaces=invoice.after.replaces,
            replaced_by=invoice.after.replaced_by,
            digest=invoice.digest,
        ),
        etag,
    )


def _summary(invoice: Invoice) -> invoice_api.InvoiceSummary:
    return invoice_api.InvoiceSummary(
        id=invoice.invoice_id,
        number=invoice.number,
        period=invoice.period,
        state=invoice.state.value,
        total=Money.of_minor(invoice.total_minor, invoice.currency),
        paid=Money.of_minor(invoice.paid_minor, invoice.currency),
        due=Money.of_minor(invoice.due_minor, invoice.currency),
        issued_at=invoice.issued_at,
        due_at=invoice.due_at,
        as_of=invoice.as_of,
    )


def _party(party: Party) -> invoice_api.Party:
    return invoice_api.Party.model_validate({**party.model_dump(exclude={"locale"}), "address": list(party.address)})


def _line(line: InvoiceLine, currency: str) -> invoice_api.InvoiceLine:
    names = (*api.Quantities.model_fields, "usage_period", "agent_id", "model", "price_version", "meter", "description")
    return invoice_api.InvoiceLine(
        id=line.line_id,
        kind=line.kind.value,
        count=line.count,
        exact=Money.of_nanos(line.amount_nanos, currency),
        amount=Money.of_minor(line.amount_minor, currency),
        tax=Money.of_minor(line.tax_minor, currency),
        unit_price=None if line.unit_price_nanos is None else Money.of_nanos(line.unit_price_nanos, currency),
        digest=line.digest,
        **{name: getattr(line, name) for name in names},
    )


def printed(call: Call, invoice_id: str) -> Bytes:
    """The PDF that was filed when the invoice was finalized. Raises NotFound, Conflict for a draft."""
    invoice, _ = find(call.workspace, invoice_id)
    if invoice.number is None:
        raise Conflict("A draft is not printed: it may still change.", code="draft")
    content = storage.read(settings().archive_bucket, archive_name(invoice, "pdf"))
    if content is None:
        raise Conflict("The invoice is being filed at this moment. Try again.", code="finalizing")
    name = f'attachment; filename="{invoice.number}.pdf"'
    return Bytes(content, PDF, headers={"Content-Disposition": name})


def line_events(call: Call, invoice_id: str, line_id: str, query: Page) -> Items[invoice_api.LineEvent]:
    """The turns that a usage line is made of, by day, however long ago.

    Raises NotFound, also for a line that is no usage, Unavailable where older ones are in the warehouse and it does not
    answer.
    """
    invoice, _ = find(call.workspace, invoice_id)
    lines = [line for line in invoice.lines if line.line_id == line_id]
    if not lines or lines[0].kind not in USAGE_LINES:
        raise NotFound("There is no such line of usage.")
    values = page_values(query.page_token, 2)
    first, skip = values or ("", 0)
    if not isinstance(first, str) or not isinstance(skip, int):
        raise _no_token()
    shown: list[invoice_api.LineEvent] = []
    for day, own in _by_day(call, invoice, lines[0], first):
        for number, event in enumerate(own):
            if day == first and number < skip:
                continue
            if len(shown) == query.page_size:
                return Items(items=shown, next_page_token=page_token(day, number))
            shown.append(_event(event, invoice.currency))
    return Items(items=shown)


def _by_day(call: Call, invoice: Invoice, line: InvoiceLine, first: str) -> Iterator[tuple[str, list[Event]]]:
    workspace, days = call.workspace, dict[str, int]()
    for entry in repository.entries_of_period(workspace, invoice.period):
        if billed.is_under(entry, line) and entry.day and entry.day >= first:
            days[entry.day] = days.get(entry.day, 0) + entry.count
    for day, found in past_usage.of_days(workspace, line.agent_id or "", days, call.now):
        chain = [entry for entry in repository.entries_of_day(workspace, day) if billed.is_under(entry, line)]
        own = [event for event in found if billed.happened_under(event, line)]
        yield day, billed.share_of(invoice.period, chain, own)


def _event(event: Event, currency: str) -> invoice_api.LineEvent:
    row = event.row
    same = ("type", "corrects", "conversation_id", "channel", "outcome", "digest")
    buckets = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
    return invoice_api.LineEvent(
        id=event.id,
        occurred_at=clock.from_text(row["occurred_at"]),
        estimated=bool(row.get("estimated")),
        charge=Money.of_nanos(row["charge_nanos"], currency),
        cost=Money.of_nanos(row["cost_nanos"], currency),
        **{name: row.get(name) for name in (*same, *buckets)},
    )


def payments(workspace: WorkspaceId, query: payment_api.PaymentsQuery) -> Items[payment_api.Payment]:
    """Payments, the latest first."""
    values = page_values(query.page_token, 2)
    try:
        after = None if values is None else (clock.from_text(str(values[0])), _name(values[1]))
    except ValueError:
        raise _no_token() from None
    found = repository.page_of_payments(workspace, query.invoice_id, query.page_size + 1, after)
    shown = [shown_payment(repository.payment_of(one)) for one in found[: query.page_size]]
    more = len(found) > query.page_size
    token = page_token(clock.to_text(shown[-1].received_at), shown[-1].id) if more else None
    return Items(items=shown, next_page_token=token)


def payment(call: Call, payment_id: str) -> tuple[payment_api.Payment, str]:
    """One payment and its etag. Raises NotFound."""
    (found,) = repository.read([repository.payment_path(call.workspace, payment_id)])
    if not found.exists:
        raise NotFound("There is no such payment.")
    return shown_payment(repository.payment_of(found)), found.etag
