"""An invoice on paper: A4, black, embedded fonts, and the same bytes for the same invoice whenever it is rendered.

Everything printed comes from the frozen invoice; the only time in the file is the invoice's own. It is rendered once,
when the invoice is finalized, and served from the archive from then on. Lengths are whole millimetres.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TextEmphasis
from fpdf.fonts import FontFace

from functions.billing.models import Invoice, InvoiceLine, LineKind, Party, Period
from functions.shared.money import MILLION, divide, format_amount, format_minor, minor_unit

MARGIN: Final = 18
WIDTH: Final = 210 - 2 * MARGIN
FAMILY: Final = "NotoSans"
# More lines than this and the first page shows a row for each agent; every line follows after the total.
MOST_LINES: Final = 18
REPLACEMENT: Final = "\ufffd"

_USAGE = (LineKind.USAGE, LineKind.LATE_USAGE)
Row = tuple[str, str, str, str]


def render(invoice: Invoice) -> bytes:
    """The PDF of a numbered invoice. Characters that the fonts lack print as a replacement sign.

    Raises ValueError for a draft: what may still change is not printed.
    """
    if invoice.number is None or invoice.issued_at is None or invoice.due_at is None:
        raise ValueError("only a finalized invoice is printed")
    page = Page(invoice)
    page.add_page()
    page.head(invoice.issued_at, invoice.due_at)
    rows = _agent_rows(invoice) if len(invoice.lines) > MOST_LINES else _rows(invoice, _charged(invoice))
    page.table(("Description", "Quantity", "Unit price", f"Amount ({invoice.currency})"), rows)
    page.totals(_totals(invoice))
    page.how_to_pay()
    if len(invoice.lines) > MOST_LINES:
        page.heading("Every line")
        lines = _rows(invoice, _charged(invoice))
        page.table(("Description", "Quantity", "Unit price", f"Amount ({invoice.currency})"), lines)
    return page.bytes()


class Page(FPDF):  # type: ignore[misc]  # The library is untyped.
    """The sheet: fonts, foot, and the blocks from top to bottom."""

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self.invoice = invoice
        fonts = Path(__file__).with_name("fonts")
        self.add_font(FAMILY, "", str(fonts.joinpath("NotoSans-Regular.ttf")))
        self.add_font(FAMILY, "B", str(fonts.joinpath("NotoSans-Bold.ttf")))
        self.known = frozenset(self.fonts[FAMILY.lower()].cmap)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, 2 * MARGIN)
        self.set_creation_date(invoice.issued_at or invoice.as_of)
        self.set_title(self.safe(f"Invoice {invoice.number}"))
        self.set_author(self.safe(invoice.seller.name))
        self.set_creator("AgentHub")
        self.set_producer("AgentHub")
        self.set_lang("en")
        self.alias_nb_pages()

    def safe(self, text: str) -> str:
        """Text that the fonts can show; a line break or a control character becomes a blank."""
        plain = (" " if not char.isprintable() else char for char in text)
        return "".join(char if ord(char) in self.known else REPLACEMENT for char in plain)

    def write_line(self, text: str, *, bold: bool = False, size: int = 9, height: int = 5, align: str = "L") -> None:
        """One line of the column that the cursor is in, as wide as what is left of the page."""
        self.set_font(FAMILY, "B" if bold else "", size)
        left = self.get_x()
        self.multi_cell(0, height, self.safe(text), align=align, new_x="LEFT", new_y="NEXT")
        self.set_x(left)

    def head(self, issued_at: datetime, due_at: datetime) -> None:
        """Seller and invoice data side by side, then who pays and how much."""
        invoice = self.invoice
        period = Period(month=invoice.period)
        top = self.get_y()
        self.party(invoice.seller, None)
        left_end = self.get_y()
        self.set_y(top)
        self.write_line("Invoice", bold=True, size=16, height=8, align="R")
        for label, value in (
            ("Number", invoice.number or ""),
            ("Issued", _date(issued_at)),
            ("Due", _date(due_at)),
            ("Period", f"{_date(period.start)} to {period.days[-1]} (UTC)"),
        ):
            self.write_line(f"{label}  {value}", align="R")
        self.set_y(max(left_end, self.get_y()) + 8)
        top = self.get_y()
        self.party(invoice.bill_to, "Bill to")
        left_end = self.get_y()
        self.set_y(top)
        self.write_line("Amount due", align="R")
        due = _minor(invoice.due_minor, invoice.currency)
        self.write_line(f"{invoice.currency} {due}", bold=True, size=24, height=11, align="R")
        self.set_y(max(left_end, self.get_y()) + 8)

    def party(self, party: Party, label: str | None) -> None:
        """A name and address, under a label where there is one."""
        # The left column ends at the middle of the page, so a long name wraps and does not run into the right one.
        self.set_right_margin(MARGIN + WIDTH // 2)
        if label:
            self.write_line(label)
        self.write_line(party.name, bold=True)
        details = (*party.address, party.country, f"VAT {party.vat_id}" if party.vat_id else None, party.email)
        for line in details:
            if line:
                self.write_line(line)
        self.set_right_margin(MARGIN)

    def heading(self, text: str) -> None:
        """A heading on a page of its own."""
        self.add_page()
        self.write_line(text, bold=True, size=12, height=8)

    def table(self, columns: Row, rows: Sequence[Row]) -> None:
        """The lines, their head repeated on every page."""
        self.set_font(FAMILY, "", 8)
        head = FontFace(emphasis=TextEmphasis.B)
        with super().table(
            col_widths=(94, 24, 28, 28),
            text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=head,
            line_height=5,
            padding=1,
        ) as table:
            for row in (columns, *rows):
                table.row([self.safe(cell) for cell in row])

    def totals(self, rows: Sequence[tuple[str, str]]) -> None:
        """Label and amount at the right, the last one bold, never torn apart by the end of a page."""
        self.ln(4)
        if self.will_page_break(6 * len(rows)):
            self.add_page()
        for position, (label, amount) in enumerate(rows):
            self.set_font(FAMILY, "B" if position == len(rows) - 1 else "", 9)
            self.set_x(MARGIN + WIDTH // 2)
            self.cell(WIDTH // 2 - 32, 6, self.safe(label))
            self.cell(32, 6, self.safe(amount), align="R", new_x="LMARGIN", new_y="NEXT")

    def how_to_pay(self) -> None:
        """What the operator wrote about paying, and what makes the figures verifiable."""
        self.ln(6)
        self.write_line(self.invoice.payment_terms)
        self.ln(2)
        self.write_line(f"Usage digest (SHA-256): {self.invoice.digest}", size=7, height=4)

    def footer(self) -> None:
        """Number and page on every page."""
        self.set_y(-MARGIN)
        self.set_font(FAMILY, "", 7)
        self.cell(WIDTH // 2, 5, self.safe(self.invoice.number or ""))
        self.cell(WIDTH // 2, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def bytes(self) -> bytes:
        """The finished file."""
        return bytes(self.output())


def _grouped(amount: str) -> str:
    """A decimal string with a comma between thousands."""
    units, point, decimals = amount.partition(".")
    sign = "-" if units.startswith("-") else ""
    return f"{sign}{int(units.lstrip('-')):,}{point}{decimals}"


def _minor(minor: int, currency: str) -> str:
    return _grouped(format_minor(minor, currency))


def _date(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _charged(invoice: Invoice) -> list[InvoiceLine]:
    return [line for line in invoice.lines if line.kind in (*_USAGE, LineKind.FEE)]


def _rows(invoice: Invoice, lines: Sequence[InvoiceLine]) -> list[Row]:
    return [_row(invoice.currency, line) for line in lines]


def _row(currency: str, line: InvoiceLine) -> Row:
    amount = _minor(line.amount_minor, currency)
    if line.kind not in _USAGE:
        return (line.description, "1", amount, amount)
    version = f", prices of {line.price_version}" if line.price_version else ""
    if not line.tokens:
        return (line.description + version, f"{line.messages:,} messages", "", amount)
    return (line.description + version, f"{line.tokens:,} tokens", _average(currency, line), amount)


def _average(currency: str, line: InvoiceLine) -> str:
    """What a million of the line's tokens cost on average, to the coin; no price of the book, since buckets differ."""
    coin = minor_unit(currency)
    nanos = divide(line.amount_nanos * MILLION, line.tokens * coin) * coin
    return f"{_grouped(format_amount(nanos, currency))} per 1M"


def _agent_rows(invoice: Invoice) -> list[Row]:
    """One row for each agent and one for each fee: sums of lines as rounded, so nothing is rounded twice."""
    usage: dict[str, list[InvoiceLine]] = {}
    rows = []
    for line in _charged(invoice):
        if line.kind in _USAGE:
            usage.setdefault(line.agent_id or "", []).append(line)
        else:
            rows.append(_row(invoice.currency, line))
    agents = []
    for lines in usage.values():
        name = lines[0].description.removesuffix(f", {lines[0].model}")
        amount = _minor(sum(line.amount_minor for line in lines), invoice.currency)
        agents.append((name, f"{sum(line.tokens for line in lines):,} tokens", "", amount))
    return agents + rows


def _totals(invoice: Invoice) -> list[tuple[str, str]]:
    def money(minor: int) -> str:
        return f"{invoice.currency} {_minor(minor, invoice.currency)}"

    rows = [("Subtotal", money(sum(line.amount_minor for line in _charged(invoice))))]
    for line in invoice.lines:
        if line.kind in (LineKind.ALLOWANCE, LineKind.DISCOUNT, LineKind.TAX):
            rows.append((line.description, money(line.amount_minor)))
    if invoice.reverse_charge:
        rows.append(("Reverse charge: the recipient owes the tax", money(0)))
    rows.append(("Total", money(invoice.total_minor)))
    if invoice.credit_minor > 0:
        rows.append(("Credit used", money(-invoice.credit_minor)))
    if invoice.paid_minor:
        rows.append(("Paid", money(-invoice.paid_minor)))
    rows.append(("Amount due", money(invoice.due_minor)))
    return rows
