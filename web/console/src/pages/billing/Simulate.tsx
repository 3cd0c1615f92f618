/** What the last 90 days would have cost under another plan or with another model: two at a time, and what cannot be known. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useAgents } from "../../api/names";
import { call, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { useResource } from "../../api/resource";
import { amount, billingDay, isNegative, isZero, money, month, plural, when } from "../../format";
import { Badge, Button, Card, Empty, Note, Skeleton } from "../../parts/basics";
import { Field, Select } from "../../parts/fields";
import { Submit } from "../../parts/form";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { useQuery } from "../../routing";
import { compare } from "./exact";

type Of = Schemas["Simulation"];
/** What is asked; the fields are named in the address: a, am, ag for the first, b, bm, bg for the second. */
type Wish = { plan: string; model: string; agent: string };
const SIDES = ["a", "b"] as const;

export function Simulate() {
  const [query, change] = useQuery();
  const plans = useResource("/api/billing/plan");
  const book = useResource("/api/billing/prices");
  const agents = useAgents();
  const wishOf = (side: string): Wish => ({ plan: query[side] ?? "", model: query[`${side}m`] ?? "", agent: query[`${side}g`] ?? "" });
  const [wishes, set] = useState<Record<string, Wish>>(() => Object.fromEntries(SIDES.map((side) => [side, wishOf(side)])));
  const asked = SIDES.map((side) => ({ side, wish: wishOf(side) })).filter(({ wish }) => wish.plan || wish.model);
  const inForce = book.data?.versions.filter((one) => new Date(one.effective_from) <= new Date()) ?? [];
  const models = [...new Set(inForce.flatMap((one) => one.models.filter((model) => model.answers).map((model) => model.model)))].sort();
  const edit = (side: string, part: Partial<Wish>) => set((now) => ({ ...now, [side]: { ...now[side]!, ...part } }));
  const empty = !SIDES.some((side) => wishes[side]!.plan || wishes[side]!.model);
  return (
    <Loaded from={plans} lines={6}>
      {(data) => (
        <div class="stack loose">
          <p class="measure">Your own turns of the last 90 days, priced again. Nothing is stored, and nothing changes.</p>
          <Submit
            label="Simulate"
            onSubmit={() => {
              if (!empty) change(Object.fromEntries(SIDES.flatMap((side) => [[side, wishes[side]!.plan], [`${side}m`, wishes[side]!.model], [`${side}g`, wishes[side]!.model ? wishes[side]!.agent : ""]])), true);
            }}
          >
            <div class="grid">
              {SIDES.map((side) => (
                <Card key={side} title={side === "a" ? "First" : "Second"} span={6}>
                  <Field label="Plan">
                    <Select
                      value={wishes[side]!.plan}
                      onChange={(plan) => edit(side, { plan })}
                      options={[{ value: "", label: `As it was (${data.current.name} now)` }, ...[...new Map([data.current, ...data.available].map((one) => [one.plan, one])).values()].map((one) => ({ value: one.plan, label: one.name }))]}
                    />
                  </Field>
                  <Field label="Model" hint="The answers would have been others: only the price of as many tokens is known.">
                    <Select value={wishes[side]!.model} onChange={(model) => edit(side, { model })} options={[{ value: "", label: "As it was" }, ...models.map((value) => ({ value, label: value }))]} />
                  </Field>
                  {wishes[side]!.model && (
                    <Field label="For">
                      <Select value={wishes[side]!.agent} onChange={(agent) => edit(side, { agent })} options={[{ value: "", label: "All agents" }, ...agents.all.map((one) => ({ value: one.id, label: one.name }))]} />
                    </Field>
                  )}
                </Card>
              ))}
            </div>
            <div class="row">
              <Button kind="primary" submit disabled={empty && "Choose a plan or a model first"}>
                Simulate
              </Button>
              {empty && <span class="muted">Choose a plan or a model first.</span>}
            </div>
          </Submit>
          {asked.length > 0 && (
            <div class="grid" aria-live="polite">
              {asked.map(({ side, wish }) => (
                <Result key={side} wish={wish} title={titleOf(wish, data, agents.name)} wide={asked.length === 1} />
              ))}
            </div>
          )}
        </div>
      )}
    </Loaded>
  );
}

function titleOf(wish: Wish, data: Schemas["AgreedPlan"], agent: (id: string) => string): string {
  const plan = wish.plan && ([data.current, ...data.available].find((one) => one.plan === wish.plan)?.name ?? wish.plan);
  const model = wish.model && `${wish.model}${wish.agent ? ` for ${agent(wish.agent)}` : ""}`;
  return [plan, model].filter(Boolean).join(", ");
}

function useSimulation(wish: Wish): { data: Of | undefined; problem: Problem | undefined; again: () => void } {
  const [state, setState] = useState<{ key: string; data?: Of; problem?: Problem }>({ key: "" });
  const [tries, again] = useState(0);
  const key = JSON.stringify(wish);
  const latest = useRef(key);
  latest.current = key;
  useEffect(() => {
    const body = { plan: wish.plan || null, model: wish.model || null, agent: wish.model && wish.agent ? wish.agent : null };
    call("post", "/api/billing/simulate", { body }).then(
      ({ data }) => latest.current === key && setState({ key, data }),
      (error: unknown) => latest.current === key && setState({ key, problem: asProblem(error) }),
    );
  }, [key, tries]);
  const mine = state.key === key;
  return { data: mine ? state.data : undefined, problem: mine ? state.problem : undefined, again: () => again(tries + 1) };
}

function Result({ wish, title, wide }: { wish: Wish; title: string; wide: boolean }) {
  const { data, problem, again } = useSimulation(wish);
  return (
    <Card title={<span dir="auto">{title}</span>} span={wide ? 12 : 6}>
      {problem ? <ErrorNote problem={problem} retry={again} /> : !data ? <Skeleton lines={8} /> : data.as_of === null ? <Empty title="Nothing to price again">There was no turn in the last 90 days.</Empty> : <Figures of={data} />}
    </Card>
  );
}

const Difference = ({ of }: { of: Schemas["Money"] }) => (isZero(of) ? <Badge>The same</Badge> : isNegative(of) ? <Badge tone="success">{money({ ...of, amount: of.amount.slice(1) })} less</Badge> : <Badge tone="danger">{money(of)} more</Badge>);

type Row = { usage_was: Schemas["Money"]; usage: Schemas["Money"]; net_was: Schemas["Money"]; net: Schemas["Money"]; difference: Schemas["Money"] };

function columns<T extends Row>(name: string, cell: (one: T) => preact.ComponentChildren, currency: string): Column<T>[] {
  return [
    { id: "name", head: name, card: "title", cell },
    { id: "was", head: `Was, ${currency}`, card: "detail", number: true, cell: (one) => amount(one.net_was) },
    { id: "net", head: "Would be", card: "figure", number: true, cell: (one) => amount(one.net) },
    { id: "difference", head: "Difference", card: "detail", number: true, cell: (one) => amount(one.difference) },
  ];
}

function Figures({ of }: { of: Of }) {
  const { total, currency } = of;
  return (
    <>
      <div class="row between">
        <span class="figure">{money(total.net)}</span>
        <Difference of={total.difference} />
      </div>
      <p class="muted">
        instead of {money(total.net_was)}, before tax, {plural(of.days, "day")} from {billingDay(of.starts_at)} (UTC). Turns alone: {money(total.usage)} instead of {money(total.usage_was)}.
      </p>
      <h3>By month</h3>
      <Table label="By month" items={of.by_month} keyOf={(one) => one.month} columns={columns<Schemas["SimulatedMonth"]>("Month", (one) => <>{month(one.month)} {one.days < one.days_of_month && <span class="muted">({plural(one.days, "day")})</span>}</>, currency)} />
      <h3>By agent</h3>
      <Table label="By agent" items={[...of.by_agent].sort((a, b) => compare(b.net_was, a.net_was))} keyOf={(one) => one.agent_id ?? "none"} columns={columns<Schemas["SimulatedAgent"]>("Agent", (one) => <span dir="auto">{one.name ?? one.agent_id ?? "Nobody’s, such as the monthly price"}</span>, currency)} />
      {of.unknown.length > 0 && (
        <Note tone="warning" title="What cannot be known">
          <ul class="terms">
            {of.unknown.map((one) => (
              <li key={one.code}>{one.text}</li>
            ))}
          </ul>
        </Note>
      )}
      <details>
        <summary>How this was worked out</summary>
        <ul class="terms muted">
          {of.caveats.map((one) => (
            <li key={one.code}>{one.text}</li>
          ))}
          {of.price_version && <li>Price book {of.price_version}.</li>}
          <li>Newest turn in it: {when(of.as_of)}.</li>
        </ul>
      </details>
    </>
  );
}
