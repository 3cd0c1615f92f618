/** The running month's charge as it grew, below the cap, and where it leads at this pace. */

import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { Chart } from "../../charts/Chart";
import { amount, billingDay, drawn, money, month, tick } from "../../format";
import { Card } from "../../parts/basics";
import { Definition } from "../../parts/figure";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { added } from "./cumulative";

/** A cap that is further above everything than this would press the line flat; the summary names it. */
const FAR = 4;

export function Cumulative() {
  const billing = useResource("/api/billing", {});
  const usage = useResource("/api/billing/usage", billing.data ? { query: { period: billing.data.period } } : null);
  return (
    <Card title={`Charge this month${billing.data ? `, ${billing.data.currency}` : ""}`} span={12} aside={
        <>
          <a href={to("/billing")}>Billing</a>
          <Definition metric="charge" name="Charge" />
        </>
      }>
      <Loaded from={billing} lines={6}>
        {(of) => (
          <Loaded from={usage} lines={6}>
            {(used) => <Line of={of} used={used} />}
          </Loaded>
        )}
      </Loaded>
    </Card>
  );
}

function Line({ of, used }: { of: Schemas["Billing"]; used: Schemas["Usage"] }) {
  const { currency } = of;
  const found = added(of, used.by_day);
  const cap = of.cap ? `, of a cap of ${amount(of.cap)}` : "";
  return (
    <>
      <Chart
        name="Charge this month"
        summary={`${money(used.total.charge)} in ${month(of.period)} so far, about ${amount(of.projection)} by its end at this pace${cap}.`}
        at={found.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000)}
        series={[
          { name: "Charged", values: found.charged, colour: 1 },
          ...(found.pace.some((one) => one !== null) ? [{ name: "At this pace", values: found.pace, dashed: true, forecast: true }] : []),
        ]}
        kind="line"
        write={(value) => money({ amount: value.toFixed(6), currency })}
        writeAxis={tick}
        writeAt={(at) => billingDay(new Date(at * 1000).toISOString())}
        {...(of.cap && drawn(of.cap) <= FAR * Math.max(drawn(used.total.charge), drawn(of.projection)) ? { rule: { value: drawn(of.cap), label: `Cap ${money(of.cap)}` } } : {})}
      />
      <p class="muted">Days are UTC days, as invoices count them. {of.projection_method}</p>
    </>
  );
}
