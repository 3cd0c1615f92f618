"""What the operator sees of every workspace: who owes what and since when, what a month brings and costs."""

from collections.abc import Sequence
from datetime import datetime

from functions.billing import operator_api_models as api
from functions.billing import repository, statement
from functions.billing.charges import Cell
from functions.billing.models import Invoice, InvoiceState
from functions.shared import clock, contracts, firestore, metering
from functions.shared.contracts import BillingRead, SpendRead, WorkspaceRead
from functions.shared.errors import Invalid, NotFound
from functions.shared.http import Call, Items, Page, page_token, page_values
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money

BUCKETS = (("not_due", 0), ("days_1_30", 30), ("days_31_60", 60), ("days_61_90", 90))
"""Buckets of aging with their last day; what is older is `over_90`."""


def page(call: Call, query: Page) -> Items[api.Debtor]:
    """Workspaces by age, of those that are erased the ones that still owe. A page takes a query for them, one query for
    what they all owe, which reads nothing else, and three documents of each that is shown in round trips of a hundred."""
    values = page_values(query.page_token, 1)
    try:
        found = repository.page_of_workspaces(query.page_size + 1, None if values is None else str(values[0]))
    except ValueError:
        raise Invalid(
            errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}]
        ) from None
    page = found[: query.page_size]
    owed = repository.invoices_due(page[0][0], page[-1][0]) if page else {}
    # What an erased workspace owes is owed all the same, and its payments are recorded like any other's.
    listed = [(name, home) for name, home in page if home.data.get("state") != "erased" or name in owed]
    paths = [
        path
        for workspace, _ in listed
        for path in (
            metering.spend_path(workspace, call.now),
            repository.account_path(workspace),
            repository.state_path(workspace),
        )
    ]
    stored = repository.read(paths)
    shown = [
        _debtor(
            call.now,
            workspace,
            WorkspaceRead.model_validate(home.data),
            owed.get(workspace, []),
            *stored[3 * place : 3 * place + 3],
        )
        for place, (workspace, home) in enumerate(listed)
    ]
    more = len(found) > query.page_size
    return Items(items=shown, next_page_token=page_token(found[query.page_size - 1][0]) if more else None)


def _debtor(
    now: datetime,
    workspace: WorkspaceId,
    home: WorkspaceRead,
    owed: Sequence[Invoice],
    stored: firestore.Snapshot,
    account: firestore.Snapshot,
    state: firestore.Snapshot,
) -> api.Debtor:
    # A month without a turn has no document yet: it has brought nothing, and its plan is the one agreed for it.
    spend = SpendRead.model_validate(stored.data)
    if not stored.exists:
        agreed = metering.agreed(BillingRead.model_validate(account.data), clock.month_of(now))
        spend = spend.model_copy(update={"plan": agreed.plan})

    def money(nanos: int) -> Money:
        return Money.of_nanos(nanos, home.currency)

    def due(invoices: Sequence[Invoice]) -> Money:
        return Money.of_minor(sum(one.due_minor for one in invoices), home.currency)

    return api.Debtor(
        id=workspace,
        name=home.name,
        state=home.state,
        plan=spend.plan,
        due=due(owed),
        overdue=due([one for one in owed if one.state == InvoiceState.OVERDUE]),
        aging=aging(owed, home.currency, now),
        credit=money(account.data.get("credit_nanos", 0)),
        charge_so_far=money(spend.spent_nanos),
        cost_so_far=money(spend.cost_nanos),
        margin_so_far=money(spend.spent_nanos - spend.cost_nanos),
        open_invoices=len(owed),
        last_closed=state.data.get("last_closed"),
        as_of=now,
    )


def aging(owed: Sequence[Invoice], currency: str, now: datetime) -> api.Aging:
    """What is due by the days that have begun since it should have been paid."""
    sums = dict.fromkeys([name for name, _ in BUCKETS] + ["over_90"], 0)
    for one in owed:
        late = 0 if one.due_at is None or now < one.due_at else (now - one.due_at).days + 1
        sums[next((name for name, last in BUCKETS if late <= last), "over_90")] += one.due_minor
    return api.Aging(**{name: Money.of_minor(minor, currency) for name, minor in sums.items()})


def margin(call: Call, workspace: WorkspaceId, query: api.MarginQuery) -> api.Margin:
    """What a month has brought and cost by model and by agent, from billing's tallies. Raises NotFound."""
    month = query.period or clock.month_of(call.now)
    (home,) = repository.read([contracts.workspace_path(workspace)])
    if not home.exists:
        raise NotFound("There is no workspace of this id.")
    currency = WorkspaceRead.model_validate(home.data).currency
    ((tally, newest),) = repository.tallies(workspace, [f"month_{month}"], currency)
    by_agent = statement.grouped(tally, lambda key: key.agent_id)
    names = repository.agent_names(workspace, list(by_agent))

    def of(key: str, cell: Cell, name: str | None = None) -> api.MarginOf:
        return api.MarginOf(
            key=key,
            name=name,
            messages=cell.messages,
            charge=Money.of_nanos(cell.charge_nanos, currency),
            cost=Money.of_nanos(cell.cost_nanos, currency),
            margin=Money.of_nanos(cell.charge_nanos - cell.cost_nanos, currency),
        )

    return api.Margin(
        period=month,
        total=of(month, tally.total),
        by_model=[of(key, cell) for key, cell in statement.grouped(tally, lambda key: key.model).items()],
        by_agent=[of(key, cell, names.get(key)) for key, cell in by_agent.items()],
        as_of=clock.from_micros(newest),
    )
