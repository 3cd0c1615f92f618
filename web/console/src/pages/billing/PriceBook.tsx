/** What the providers take, version by version: what a charge with a percentage on top rests on. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { billingDay, count } from "../../format";
import { Badge, Card } from "../../parts/basics";
import { Select } from "../../parts/fields";
import { Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";

export function PriceBook() {
  const book = useResource("/api/billing/prices");
  const [chosen, choose] = useState("");
  return (
    <Loaded from={book} lines={6}>
      {(data) => {
        const now = new Date().toISOString();
        const versions = [...data.versions].sort((a, b) => b.effective_from.localeCompare(a.effective_from));
        const inForce = versions.find((one) => one.effective_from <= now) ?? versions[0];
        const shown = versions.find((one) => one.version === chosen) ?? inForce;
        if (!shown) return null;
        return (
          <Card
            title={`Models’ prices, ${data.currency} per 1M tokens`}
            aside={
              <Select
                label="Version of the price book"
                value={shown.version}
                onChange={choose}
                options={versions.map((one) => ({ value: one.version, label: `${one.version}${one === inForce ? " (in force)" : one.effective_from > now ? ` (from ${billingDay(one.effective_from)})` : ""}` }))}
              />
            }
          >
            <p class="muted">
              In force from {billingDay(shown.effective_from)} (UTC), published {billingDay(shown.published)}. {shown.note} A turn is charged with the prices that were in force when it began.
            </p>
            <Table label="Prices of models" columns={COLUMNS} items={shown.models} keyOf={(one) => `${one.model} ${one.over_input_tokens}`} />
          </Card>
        );
      }}
    </Loaded>
  );
}

const COLUMNS: Column<Schemas["ModelPrice"]>[] = [
  {
    id: "model",
    head: "Model",
    card: "title",
    cell: (one) => (
      <>
        {one.model}
        {one.over_input_tokens > 0 && <span class="muted"> over {count(one.over_input_tokens)} input tokens</span>} {one.demonstration && <Badge>Demonstration price</Badge>}
      </>
    ),
  },
  { id: "input", head: "Input", card: "figure", number: true, cell: (one) => one.input },
  { id: "cached", head: "Cached", card: "figure", number: true, cell: (one) => one.cached_input },
  { id: "output", head: "Output", card: "figure", number: true, cell: (one) => one.output },
  { id: "reasoning", head: "Reasoning", card: "figure", number: true, cell: (one) => one.reasoning },
  { id: "checked", head: "Regional factor, checked", card: "detail", cell: (one) => `× ${one.regional_uplift}, ${one.checked ? billingDay(one.checked) : "not confirmed"}` },
];
