/** Every invoice of the workspace, the newest month first. */

import "../../styles/money.css";
import type { Schemas } from "../../api/client";
import { usePages } from "../../api/resource";
import { amount, billingDay, month } from "../../format";
import { Button, Empty, State } from "../../parts/basics";
import { Select } from "../../parts/fields";
import { Page } from "../../parts/page";
import { type Column, List } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { workspace } from "../../session/session";

type One = Schemas["InvoiceSummary"];

export const STATES = ["draft", "open", "overdue", "paid", "uncollectible", "void"];
export const stateOptions = [{ value: "", label: "All states" }, ...STATES.map((value) => ({ value, label: value.charAt(0).toUpperCase() + value.slice(1) }))];

/** The name of an invoice as people call it. */
export const invoiceName = (one: { number: string | null; period: string }): string => one.number ?? `Draft of ${month(one.period)}`;

/** `href` leads to the invoice; without one its name is no link. */
export const invoiceColumns = (href: ((one: One) => string) | undefined, currency: string): Column<One>[] => [
  { id: "number", head: "Invoice", card: "title", cell: (one) => (href ? <a href={href(one)}>{invoiceName(one)}</a> : invoiceName(one)) },
  { id: "state", head: "State", card: "status", cell: (one) => <State of={one.state} /> },
  { id: "period", head: "Month", card: "detail", cell: (one) => month(one.period) },
  { id: "issued", head: "Issued (UTC)", card: "detail", cell: (one) => billingDay(one.issued_at) },
  { id: "due_at", head: "To be paid by (UTC)", card: "detail", cell: (one) => billingDay(one.due_at) },
  { id: "total", head: `Total, ${currency}`, card: "figure", number: true, cell: (one) => amount(one.total) },
  { id: "paid", head: "Paid", card: "detail", number: true, cell: (one) => amount(one.paid) },
  { id: "due", head: "Due", card: "figure", number: true, cell: (one) => amount(one.due) },
];

export default function Invoices() {
  const [query, change] = useQuery();
  const state = query.state ?? "";
  const invoices = usePages("/api/invoices", { query: state ? { state } : {} });
  const currency = invoices.items[0]?.total.currency ?? workspace.value?.currency ?? "USD";
  return (
    <Page title="Invoices" above={<a href={to("/billing")}>Billing</a>} actions={<Button href={to("/exports")}>Export</Button>}>
      <div class="row filters">
        <Select label="State" value={state} onChange={(value) => change({ state: value })} options={stateOptions} />
      </div>
      <List
        label="Invoices, the newest month first"
        columns={invoiceColumns((one) => to(`/billing/invoices/${one.id}`), currency)}
        pages={invoices}
        keyOf={(one) => one.id}
        empty={
          state ? (
            <Empty level={2} title={`No invoice is ${state}`} action={<Button onClick={() => change({ state: undefined })}>Clear filters</Button>} />
          ) : (
            <Empty level={2} title="No invoice yet" action={<Button href={to("/billing")}>See the charge so far</Button>}>
              The first one is drafted on {billingDay(firstOfNext())} (UTC), when the month is over, and is final a day later.
            </Empty>
          )
        }
      />
    </Page>
  );
}

function firstOfNext(): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString();
}
