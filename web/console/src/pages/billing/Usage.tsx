/** A month's charge by day, agent and model; days are UTC days, as invoices count them. */

import { useMemo } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { Chart } from "../../charts/Chart";
import { amount, billingDay, billingTick, count, drawn, isZero, money, month, plural, share, tick, when } from "../../format";
import { Badge, Bar, Card, Empty } from "../../parts/basics";
import { Definition } from "../../parts/figure";
import { Select } from "../../parts/fields";
import { Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { to, useQuery } from "../../routing";

type One = Schemas["UsageOf"];

/** The running month and the eleven before it, as "2026-11". */
export function months(): string[] {
  const now = new Date();
  return Array.from({ length: 12 }, (_, i) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i, 1)).toISOString().slice(0, 7));
}

export function Usage() {
  const [query, change] = useQuery();
  const all = useMemo(months, []);
  const period = query.month && /^\d{4}-\d\d$/.test(query.month) ? query.month : all[0]!;
  const usage = useResource("/api/billing/usage", { query: { period } });
  const running = period === all[0];
  return (
    <div class="stack loose">
      <div class="row between filters">
        <div class="row">
          <Select label="Month" value={period} onChange={(value) => change({ month: value === all[0] ? undefined : value })} options={[...new Set([period, ...all])].sort().reverse().map((value) => ({ value, label: month(value) }))} />
          {running && <Badge tone="warning">Provisional</Badge>}
        </div>
        {usage.data && <span class="muted">{usage.data.as_of ? `Newest turn counted: ${when(usage.data.as_of)}` : "No turn counted"}. Days are UTC days.</span>}
      </div>
      <Loaded from={usage} lines={8}>
        {(data) =>
          data.total.messages || !isZero(data.total.charge) ? (
            <>
              <Card title="Charge by day" aside={<Definition metric="charge" name="Charge" />}>
                <ByDay of={data} running={running} />
              </Card>
              <Card title="By agent">
                <Ranked label="Charge by agent" items={data.by_agent} total={data.total} name={(one) => (one.key ? <a href={to(`/agents/${one.key}`)}>{one.name ?? one.key}</a> : (one.name ?? "No agent"))} />
              </Card>
              <Card title="By model">
                <Ranked label="Charge by model" items={data.by_model} total={data.total} name={(one) => one.name ?? one.key} />
              </Card>
            </>
          ) : (
            <Empty title={`No usage in ${month(period)}`}>{running ? "Turns are counted here within seconds of being answered." : "No turn was charged in this month."}</Empty>
          )
        }
      </Loaded>
    </div>
  );
}

function ByDay({ of, running }: { of: Schemas["Usage"]; running: boolean }) {
  const { currency } = of.total.charge;
  const best = of.by_day.reduce((most, one) => (drawn(one.charge) > drawn(most.charge) ? one : most), of.by_day[0]!);
  return (
    <Chart
      name="Charge by day"
      summary={`${money(of.total.charge)} for ${plural(of.total.messages, "turn")}${best && !isZero(best.charge) ? `, most on ${billingDay(best.key)} (${money(best.charge)})` : ""}.`}
      at={of.by_day.map((one) => Date.parse(`${one.key}T00:00:00Z`) / 1000)}
      series={[{ name: `Charge, ${currency}`, values: of.by_day.map((one) => drawn(one.charge)), colour: 1 }]}
      kind="columns"
      write={(value) => money({ amount: value.toFixed(6), currency })}
      writeAxis={tick}
      writeAt={(at) => billingDay(new Date(at * 1000).toISOString())}
      writeTick={(at) => billingTick(at * 1000)}
      {...(running ? { unfinished: true } : {})}
    />
  );
}

function Ranked({ label, items, total, name }: { label: string; items: One[]; total: One; name: (one: One) => preact.ComponentChildren }) {
  const currency = total.charge.currency;
  const all = drawn(total.charge);
  const part = (one: One) => (all ? drawn(one.charge) / all : 0);
  const columns: Column<One>[] = [
    { id: "name", head: "Name", card: "title", cell: (one) => <span dir="auto">{name(one)}</span> },
    { id: "share", head: "Share", card: "detail", cell: (one) => (
      <span class="shared">
        <Bar share={part(one)} plain />
        <span class="number">{share(all ? part(one) : null)}</span>
      </span>
    ) },
    { id: "charge", head: `Charge, ${currency}`, card: "figure", number: true, cell: (one) => amount(one.charge) },
    { id: "messages", head: "Turns", card: "detail", number: true, cell: (one) => count(one.messages) },
    { id: "conversations", head: "Conversations", card: "detail", number: true, cell: (one) => count(one.conversations) },
    {
      id: "tokens",
      head: "Tokens",
      card: "detail",
      cell: (one) => (
        <>
          {count(one.input_tokens + one.cached_input_tokens + one.output_tokens + one.reasoning_tokens)}
          <span class="line-of label">
            {count(one.input_tokens)} input, {count(one.cached_input_tokens)} cached, {count(one.output_tokens)} output, {count(one.reasoning_tokens)} reasoning
          </span>
        </>
      ),
    },
  ];
  return <Table label={label} columns={columns} items={[...items].sort((a, b) => drawn(b.charge) - drawn(a.charge))} keyOf={(one) => one.key} />;
}
