"""Billing for the operator alone: who owes does not settle (MONEY 16). Each act stands in the workspace's audit log and
in the operator's own, by shared/activity."""

from functions.billing import (
    auditing,
    crediting,
    credits,
    invoices,
    payments,
    pending,
    plan_models,
    publishing,
    receivables,
    refunding,
    uncollectible,
    voiding,
)
from functions.billing import credit_api_models as credit_models
from functions.billing import invoice_api_models as invoice_api
from functions.billing import operator_api_models as operator_models
from functions.billing import payment_api_models as payment_api
from functions.shared.http import OPERATOR, Call, Items, Page, Reply, Routes
from functions.shared.identity import WorkspaceId
from functions.shared.identity.authenticate import workspace_of_operator

api = Routes("billing-api")


@api.get(
    "/api/operator/workspaces",
    callers=(OPERATOR,),
    role=None,
    deadline="slow",
    summary="Every workspace: what it owes, brings and costs.",
)
def list_workspaces(call: Call, query: Page) -> Items[operator_models.Debtor]:
    """The oldest first; one that is erased as long as it owes, in state `erased`."""
    return receivables.page(call, query)


@api.get(
    "/api/operator/workspaces/{workspace}/margin",
    callers=(OPERATOR,),
    role=None,
    summary="What a workspace's month brings and costs, by model and agent.",
)
def get_margin(call: Call, workspace: str, query: operator_models.MarginQuery) -> operator_models.Margin:
    """Before fee, allowance and discount."""
    return receivables.margin(call, workspace_of_operator(call.principal, workspace), query)


@api.get(
    "/api/operator/workspaces/{workspace}/invoices",
    callers=(OPERATOR,),
    role=None,
    summary="A workspace's invoices, the newest month first.",
)
def list_invoices_of(call: Call, workspace: str, query: invoice_api.InvoicesQuery) -> Items[invoice_api.InvoiceSummary]:
    """Drafts too: what is to be finalized, and what may be voided, credited or written off."""
    return invoices.page(workspace_of_operator(call.principal, workspace), query)


@api.get(
    "/api/operator/workspaces/{workspace}/invoices/{invoice}",
    callers=(OPERATOR,),
    role=None,
    etag=True,
    summary="An invoice of a workspace with its lines.",
)
def get_invoice_of(call: Call, workspace: str, invoice: str) -> Reply[invoice_api.Invoice]:
    """As its workspace sees it; a credit note names its lines."""
    return _invoice(workspace_of_operator(call.principal, workspace), invoice)


@api.get(
    "/api/operator/workspaces/{workspace}/payments",
    callers=(OPERATOR,),
    role=None,
    summary="A workspace's payments, the latest first.",
)
def list_payments_of(call: Call, workspace: str, query: payment_api.PaymentsQuery) -> Items[payment_api.Payment]:
    """What may be given back, and what was."""
    return invoices.payments(workspace_of_operator(call.principal, workspace), query)


@api.post(
    "/api/operator/workspaces/{workspace}/payments",
    callers=(OPERATOR,),
    role=None,
    status=201,
    idempotent="required",
    summary="Record a payment that came in.",
)
def record_payment(call: Call, workspace: str, body: payment_api.NewPayment) -> Reply[payment_api.Payment]:
    """What is more than due becomes credit."""
    shown, etag = payments.record(call, workspace_of_operator(call.principal, workspace), body)
    return Reply(shown, etag=etag)


@api.post(
    "/api/operator/workspaces/{workspace}/payments/{payment}/refund",
    callers=(OPERATOR,),
    role=None,
    idempotent="required",
    deadline="slow",
    summary="Give a payment back, in whole or in part.",
)
def refund_payment(call: Call, workspace: str, payment: str, body: payment_api.NewRefund) -> Reply[payment_api.Payment]:
    """Out of the customer's credit first; the rest is due again. By card the card service gives it back."""
    found = workspace_of_operator(call.principal, workspace)
    shown, etag = refunding.refund(call, found, payment, body)
    return Reply(shown, etag=etag)


@api.post(
    "/api/operator/workspaces/{workspace}/credits",
    callers=(OPERATOR,),
    role=None,
    status=201,
    idempotent="required",
    summary="Give credit.",
)
def grant_credit(call: Call, workspace: str, body: credit_models.NewCredit) -> Reply[credit_models.CreditGrant]:
    """It burns before what was paid for with the same expiry; what is left of it at its end is taken back."""
    shown, etag = credits.grant(call, workspace_of_operator(call.principal, workspace), body)
    return Reply(shown, etag=etag)


@api.post(
    "/api/operator/workspaces/{workspace}/invoices/{invoice}/finalize",
    callers=(OPERATOR,),
    role=None,
    idempotent=True,
    deadline="slow",
    summary="Finalize a draft without waiting for the grace period.",
)
def finalize_invoice(call: Call, workspace: str, invoice: str) -> Reply[invoice_api.Invoice]:
    """Its month must be over and closed."""
    found = workspace_of_operator(call.principal, workspace)
    voiding.finalize_by_hand(found, invoice, call.now, auditing.audit_finalized(call, found, invoice))
    return _invoice(found, invoice)


@api.post(
    "/api/operator/workspaces/{workspace}/invoices/{invoice}/void",
    callers=(OPERATOR,),
    role=None,
    idempotent=True,
    deadline="slow",
    summary="Take an invoice back.",
)
def void_invoice(call: Call, workspace: str, invoice: str, body: credit_models.Voiding) -> Reply[invoice_api.Invoice]:
    """What had been paid on it becomes credit; with `reissue` its period is drafted again under another id."""
    found = workspace_of_operator(call.principal, workspace)
    voiding.void(call, found, invoice, reissue=body.reissue)
    return _invoice(found, invoice)


@api.post(
    "/api/operator/workspaces/{workspace}/invoices/{invoice}/uncollectible",
    callers=(OPERATOR,),
    role=None,
    idempotent="required",
    summary="Write off what is due on an invoice.",
)
def write_off_invoice(
    call: Call, workspace: str, invoice: str, body: credit_models.WriteOff
) -> Reply[invoice_api.Invoice]:
    """Revenue and tax are taken back; a payment that comes after all brings them back."""
    found = workspace_of_operator(call.principal, workspace)
    uncollectible.write_off(call, found, invoice, body.reason)
    return _invoice(found, invoice)


@api.post(
    "/api/operator/workspaces/{workspace}/invoices/{invoice}/credit-notes",
    callers=(OPERATOR,),
    role=None,
    status=201,
    idempotent="required",
    deadline="slow",
    summary="Issue a credit note.",
)
def issue_credit_note(
    call: Call, workspace: str, invoice: str, body: credit_models.NewCreditNote
) -> Reply[credit_models.CreditNote]:
    """What is due falls by it; what is not due any more becomes credit."""
    shown, etag = crediting.issue(call, workspace_of_operator(call.principal, workspace), invoice, body)
    return Reply(shown, etag=etag)


@api.get(
    "/api/operator/workspaces/{workspace}/pending",
    callers=(OPERATOR,),
    role=None,
    summary="Turns whose provider did not report all tokens.",
)
def list_pending_usage(call: Call, workspace: str, query: Page) -> Items[operator_models.PendingUsage]:
    """Of the last 100 days, the oldest first, until somebody reports the rest."""
    return pending.page(workspace_of_operator(call.principal, workspace), query)


@api.post(
    "/api/operator/workspaces/{workspace}/pending/{turn}",
    callers=(OPERATOR,),
    role=None,
    idempotent=True,
    summary="Report the tokens of a turn that its provider did not.",
)
def report_usage(
    call: Call, workspace: str, turn: str, body: operator_models.UsageReport
) -> operator_models.ReportedUsage:
    """Once: the turn and its correction come to what the turn would have come to, as far as the caps leave room."""
    return pending.report(call, workspace_of_operator(call.principal, workspace), turn, body)


def _invoice(workspace: WorkspaceId, invoice: str) -> Reply[invoice_api.Invoice]:
    shown, etag = invoices.one(workspace, invoice)
    return Reply(shown, etag=etag)


@api.get("/api/operator/plans", callers=(OPERATOR,), role=None, summary="Every version of every plan.")
def list_plans(call: Call) -> plan_models.PlanVersions:
    """Those that ship, and those that were published, for one workspace too."""
    return publishing.versions()


@api.put(
    "/api/operator/plans",
    callers=(OPERATOR,),
    role=None,
    if_match=False,
    summary="Publish a version of a plan.",
)
def publish_plan(call: Call, body: plan_models.NewPlan) -> plan_models.PlanVersion:
    """Only ever added; the same again changes nothing. Who has chosen the plan keeps what was agreed."""
    return publishing.publish(call, body)


@api.get("/api/operator/acts", callers=(OPERATOR,), role=None, summary="What operators did, the latest first.")
def list_operator_acts(call: Call, query: Page) -> Items[plan_models.OperatorAct]:
    """To whichever workspace, erased ones too, and plans that were published for all. What is done to one workspace
    stands in its own audit log as well, with the reason."""
    return publishing.acts(query)
