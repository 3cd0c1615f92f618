"""Billing over HTTP, for the workspace that is billed: its month, its plan and caps, its invoices."""

from functions.billing import (
    accounts,
    crediting,
    credits,
    evidence_routes,
    invoices,
    operator_routes,
    payment_routes,
    simulating,
    simulation_models,
    statement,
)
from functions.billing import api_models as models
from functions.billing import credit_api_models as credit_models
from functions.billing import invoice_api_models as invoice_api
from functions.shared import firestore
from functions.shared.http import CONSOLE, MACHINE, Bytes, Call, Items, Page, Reply, Routes

api = Routes("billing-api")


@api.get("/api/billing", callers=(CONSOLE, MACHINE), summary="The running month: charge so far, plan, caps, balance.")
def billing(call: Call) -> models.Billing:
    """Provisional until the month's invoice is final."""
    return statement.billing(call)


@api.get("/api/billing/usage", callers=(CONSOLE, MACHINE), summary="A month's charge by agent, model and day.")
def usage(call: Call, query: models.UsageQuery) -> models.Usage:
    """Days are UTC days."""
    return statement.usage(call, query)


@api.get("/api/billing/prices", callers=(CONSOLE, MACHINE), summary="The price book with its versions.")
def prices(call: Call) -> models.PriceBook:
    """What providers take; the plan says what is charged."""
    return statement.prices()


@api.get("/api/billing/plan", callers=(CONSOLE, MACHINE), etag=True, summary="The plan, and those to choose from.")
def get_plan(call: Call) -> Reply[models.AgreedPlan]:
    """With the one that follows, if another was chosen."""
    found, etag = accounts.plan(call)
    return Reply(found, etag=etag)


@api.put("/api/billing/plan", callers=(CONSOLE,), role="owner", summary="Choose a published plan.")
def put_plan(call: Call, body: models.PlanChoice) -> Reply[models.AgreedPlan]:
    """At once; with the next month when its fee or minimum is lower, when it counts whole months and this one was used, and
    when what was used would pass the cap under it."""
    found, etag = accounts.choose_plan(call, body)
    return Reply(found, etag=etag)


@api.post(
    "/api/billing/simulate",
    callers=(CONSOLE, MACHINE),
    role="viewer",
    scope="read",
    summary="The last 90 days under another plan or with another model; not stored.",
)
def simulate(call: Call, body: simulation_models.Simulate) -> simulation_models.Simulation:
    """By month and by agent, with what such figures cannot know."""
    return simulating.simulate(call, body)


@api.get("/api/billing/budgets", callers=(CONSOLE, MACHINE), etag=True, summary="The caps of a month.")
def get_budgets(call: Call) -> Reply[models.Budgets]:
    """For the workspace, for agents, and the visitors' share."""
    found, etag = accounts.budgets(call)
    return Reply(found, etag=etag)


@api.put("/api/billing/budgets", callers=(CONSOLE,), role="admin", summary="Set the caps of a month.")
def put_budgets(call: Call, body: models.BudgetsChange) -> Reply[models.Budgets]:
    """They hold for the next turn."""
    found, etag = accounts.set_budgets(call, body)
    return Reply(found, etag=etag)


@api.get("/api/billing/profile", callers=(CONSOLE, MACHINE), etag=True, summary="Who the invoices go to.")
def get_profile(call: Call) -> Reply[models.ShownProfile]:
    """Name, address, country, VAT id."""
    found, etag = accounts.profile(call)
    return Reply(found, etag=etag)


@api.put("/api/billing/profile", callers=(CONSOLE,), role="admin", summary="Set who the invoices go to.")
def put_profile(call: Call, body: models.Profile) -> Reply[models.ShownProfile]:
    """Final invoices stay as they are."""
    found, etag = accounts.set_profile(call, body)
    return Reply(found, etag=etag)


@api.get("/api/billing/credits", callers=(CONSOLE, MACHINE), summary="Prepaid credit and its burn-down.")
def get_credits(call: Call, query: Page) -> credit_models.Credits:
    """Grants in the order in which they burn; a page of what moved them, the latest first."""
    return credits.show(call, query)


@api.get("/api/invoices", callers=(CONSOLE, MACHINE), summary="Invoices, the newest month first.")
def list_invoices(call: Call, query: invoice_api.InvoicesQuery) -> Items[invoice_api.InvoiceSummary]:
    """Drafts too."""
    return invoices.page(call.workspace, query)


@api.get("/api/invoices/{invoice}", callers=(CONSOLE, MACHINE), etag=True, summary="An invoice with its lines.")
def get_invoice(call: Call, invoice: str) -> Reply[invoice_api.Invoice]:
    """Frozen once it has a number; after that only state, paid and due move."""
    found, etag = invoices.one(call.workspace, invoice)
    return Reply(found, etag=etag)


@api.get(
    "/api/invoices/{invoice}/pdf",
    callers=(CONSOLE, MACHINE),
    produces=("application/pdf",),
    summary="The printed invoice, as it was filed.",
)
def get_invoice_pdf(call: Call, invoice: str) -> Bytes:
    """The same bytes for ever."""
    return invoices.printed(call, invoice)


@api.get(
    "/api/invoices/{invoice}/lines/{line}/events",
    callers=(CONSOLE, MACHINE),
    deadline="slow",
    summary="The turns under a line of usage.",
)
def list_line_events(call: Call, invoice: str, line: str, query: Page) -> Items[invoice_api.LineEvent]:
    """By day, down to the single turn."""
    return invoices.line_events(call, invoice, line, query)


@api.get("/api/invoices/{invoice}/credit-notes", callers=(CONSOLE, MACHINE), summary="The credit notes of an invoice.")
def list_credit_notes(call: Call, invoice: str) -> Items[credit_models.CreditNote]:
    """The oldest first; all of them."""
    return crediting.of_invoice(call, invoice)


@api.get("/api/credit-notes/{credit_note}", callers=(CONSOLE, MACHINE), etag=True, summary="A credit note.")
def get_credit_note(call: Call, credit_note: str) -> Reply[credit_models.CreditNote]:
    """What was taken off which line, and where it went."""
    found, etag = crediting.one(call, credit_note)
    return Reply(found, etag=etag)


@api.get(
    "/api/credit-notes/{credit_note}/pdf",
    callers=(CONSOLE, MACHINE),
    produces=("application/pdf",),
    summary="The printed credit note, as it was filed.",
)
def get_credit_note_pdf(call: Call, credit_note: str) -> Bytes:
    """The same bytes for ever."""
    return crediting.printed(call, credit_note)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/billing-api")


api.include(payment_routes.api)
api.include(evidence_routes.api)
api.include(operator_routes.api)
