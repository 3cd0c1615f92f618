/** What a workspace's month brings and costs, by model and agent. */

import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { count, fine, isNegative, month } from "../../format";
import { Badge, Card, Facts } from "../../parts/basics";
import { Select } from "../../parts/fields";
import { Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { useQuery } from "../../routing";
import { months } from "../billing/Usage";

type One = Schemas["MarginOf"];

const left = (one: One) => (isNegative(one.margin) ? <Badge tone="danger">{fine(one.margin)}</Badge> : fine(one.margin));

const columns = (head: string): Column<One>[] => [
  { id: "name", head, card: "title", cell: (one) => <span dir="auto">{one.name ?? one.key}</span> },
  { id: "messages", head: "Turns", card: "detail", number: true, cell: (one) => count(one.messages) },
  { id: "charge", head: "Charge", card: "detail", number: true, cell: (one) => fine(one.charge) },
  { id: "cost", head: "Cost", card: "detail", number: true, cell: (one) => fine(one.cost) },
  { id: "margin", head: "Margin", card: "figure", number: true, cell: left },
];

export function Margin({ workspace }: { workspace: string }) {
  const [query, change] = useQuery();
  const all = months();
  const period = query.month && /^\d{4}-\d\d$/.test(query.month) ? query.month : all[0]!;
  const margin = useResource("/api/operator/workspaces/{workspace}/margin", { path: { workspace }, query: { period } });
  return (
    <Card title="Margin" aside={<Select label="Month" value={period} onChange={(value) => change({ month: value === all[0] ? undefined : value })} options={[...new Set([period, ...all])].map((value) => ({ value, label: month(value) }))} />}>
      <p class="muted">Charge (they pay) less cost (the provider takes), before the plan’s monthly price, allowance and discount.</p>
      <Loaded from={margin}>
        {(data) => (
          <>
            <Facts of={[["Charge", <span class="number">{fine(data.total.charge)}</span>], ["Cost", <span class="number">{fine(data.total.cost)}</span>], ["Margin", left(data.total)]]} />
            {data.by_model.length > 0 && <Table label="Margin by model" columns={columns("Model")} items={data.by_model} keyOf={(one) => one.key} />}
            {data.by_agent.length > 0 && <Table label="Margin by agent" columns={columns("Agent")} items={data.by_agent} keyOf={(one) => one.key} />}
            {!data.by_model.length && <p class="muted">No usage in {month(period)}.</p>}
          </>
        )}
      </Loaded>
    </Card>
  );
}
