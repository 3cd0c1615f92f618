"""What the operator sees of every workspace: who owes what, and what this month brings and costs."""

from functions.billing import api_models as api
from functions.billing import repository, statement
from functions.billing.models import InvoiceState
from functions.shared import metering
from functions.shared.contracts import WorkspaceRead
from functions.shared.errors import Invalid
from functions.shared.http import Call, Items, Page, page_token, page_values
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money


def page(call: Call, query: Page) -> Items[api.Debtor]:
    """Workspaces by age; some reads for each."""
    values = page_values(query.page_token, 1)
    try:
        found = repository.page_of_workspaces(query.page_size + 1, None if values is None else str(values[0]))
    except ValueError:
        raise Invalid(
            errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}]
        ) from None
    shown = [
        _debtor(call, workspace, WorkspaceRead.model_validate(home.data))
        for workspace, home in found[: query.page_size]
        if home.data.get("state") != "erased"
    ]
    more = len(found) > query.page_size
    return Items(items=shown, next_page_token=page_token(found[query.page_size - 1][0]) if more else None)


def _debtor(call: Call, workspace: WorkspaceId, home: WorkspaceRead) -> api.Debtor:
    spend = metering.current(workspace, call.now)
    balance = statement.balance(workspace, home.currency)
    (state,) = repository.read([repository.state_path(workspace)])

    def money(nanos: int) -> Money:
        return Money.of_nanos(nanos, home.currency)

    return api.Debtor(
        id=workspace,
        name=home.name,
        state=home.state,
        plan=spend.plan,
        due=balance.due,
        overdue=balance.overdue,
        credit=balance.credit,
        charge_so_far=money(spend.spent_nanos),
        cost_so_far=money(spend.cost_nanos),
        margin_so_far=money(spend.spent_nanos - spend.cost_nanos),
        open_invoices=len(repository.invoices_in(workspace, InvoiceState.OPEN, InvoiceState.OVERDUE)),
        last_closed=state.data.get("last_closed"),
    )
