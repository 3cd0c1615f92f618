/** Every workspace as who runs AgentHub sees it: what it owes and since when, what its month brings and costs. */

import "../../styles/money.css";
import type { Schemas } from "../../api/client";
import { usePages } from "../../api/resource";
import { amount, isNegative, isZero } from "../../format";
import { Badge, Button, Empty, State } from "../../parts/basics";
import { Select } from "../../parts/fields";
import { Page } from "../../parts/page";
import { type Column, List } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { compare } from "../billing/exact";
import { OnlyOperators } from "./OnlyOperators";

type One = Schemas["Debtor"];

const ORDERS = [
  { value: "due", label: "What is due, most first" },
  { value: "overdue", label: "What is overdue, most first" },
  { value: "margin", label: "Margin, least first" },
  { value: "name", label: "Name" },
];

const BY: Record<string, (a: One, b: One) => number> = {
  due: (a, b) => compare(b.due, a.due),
  overdue: (a, b) => compare(b.overdue, a.overdue),
  margin: (a, b) => compare(a.margin_so_far, b.margin_so_far),
  name: (a, b) => a.name.localeCompare(b.name),
};

const late = (value: Schemas["Money"]) => (isZero(value) ? "–" : <Badge tone="danger">{amount(value)}</Badge>);

const COLUMNS: Column<One>[] = [
  {
    id: "name",
    head: "Workspace",
    card: "title",
    cell: (one) => (
      <a href={to(`/operator/workspaces/${one.id}`)} dir="auto">
        {one.name}
      </a>
    ),
  },
  { id: "state", head: "State", card: "status", cell: (one) => <State of={one.state} /> },
  { id: "due", head: "Due", card: "figure", number: true, cell: (one) => amount(one.due) },
  { id: "not_due", head: "Not late", card: "detail", number: true, cell: (one) => (isZero(one.aging.not_due) ? "–" : amount(one.aging.not_due)) },
  { id: "d30", head: "1–30 days", card: "detail", number: true, cell: (one) => late(one.aging.days_1_30) },
  { id: "d60", head: "31–60", card: "detail", number: true, cell: (one) => late(one.aging.days_31_60) },
  { id: "d90", head: "61–90", card: "detail", number: true, cell: (one) => late(one.aging.days_61_90) },
  { id: "over", head: "Over 90", card: "detail", number: true, cell: (one) => late(one.aging.over_90) },
  { id: "credit", head: "Credit", card: "detail", number: true, cell: (one) => amount(one.credit) },
  { id: "charge", head: "Charge", card: "detail", number: true, cell: (one) => amount(one.charge_so_far) },
  { id: "margin", head: "Margin", card: "figure", number: true, cell: (one) => (isNegative(one.margin_so_far) ? <Badge tone="danger">{amount(one.margin_so_far)}</Badge> : amount(one.margin_so_far)) },
];

export default function Operator() {
  return (
    <OnlyOperators title="Operator">
      <Workspaces />
    </OnlyOperators>
  );
}

function Workspaces() {
  const [query, change] = useQuery();
  const order = query.order && query.order in BY ? query.order : "due";
  const pages = usePages("/api/operator/workspaces", { query: { page_size: 100 } });
  const items = [...pages.items].sort(BY[order]);
  return (
    <Page title="Operator" actions={<Button href={to("/operator/plans")}>Plans</Button>}>
      <div class="row between filters">
        <Select label="Order" value={order} onChange={(value) => change({ order: value === "due" ? undefined : value })} options={ORDERS} />
        <span class="muted">Amounts in the currency of each workspace; charge and margin of this month so far, provisional.</span>
      </div>
      {pages.more && <p class="muted">More workspaces are to be loaded; the order is of those shown.</p>}
      <List label="Workspaces" columns={COLUMNS} pages={{ ...pages, items }} keyOf={(one) => one.id} empty={<Empty level={2} title="No workspace yet">They appear here when somebody signs up.</Empty>} />
    </Page>
  );
}
