/** The agents' own caps and alerts: those that matter first, the others found by name, and of hundreds some at a time. */

import { Component } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Agents } from "../../api/names";
import { drawn, money, plural, type Amount } from "../../format";
import { Bar, Button } from "../../parts/basics";
import { Field, Input } from "../../parts/fields";
import type { Form } from "../../parts/form";
import { typed } from "./exact";

/** The names of an agent's fields in the form. */
export const capOf = (agent: string) => `cap ${agent}`;
export const alertsOf = (agent: string) => `alerts ${agent}`;
const agentOf = (field: string): string | undefined => /^(?:cap|alerts) (.+)$/.exec(field)?.[1];

/** How many agents come at a time; up to so many are read without a search. */
const SOME = 50;
const FEW = 10;

interface Props {
  ids: string[];
  agents: Agents;
  form: Form<Record<string, string>>;
  /** The charge of this month by agent; undefined until it is known. */
  charges: Record<string, Amount> | undefined;
  currency: string;
  edits: boolean;
}

export function AgentCaps({ ids, agents, form, charges, currency, edits }: Props) {
  const [text, setText] = useState("");
  const [most, setMost] = useState(SOME);
  const list = useRef<HTMLUListElement>(null);
  const goOn = useRef<number | undefined>(undefined);
  const order = useOrder(ids, charges !== undefined, (agent) => Boolean(form.values[capOf(agent)] || form.values[alertsOf(agent)] || charges?.[agent]));
  // Rows are drawn anew only when they changed, so what they call must stay the same and yet reach the form as it is now.
  const latest = useRef(form);
  latest.current = form;
  const [act] = useState(() => ({ set: (name: string, value: string) => latest.current.set(name, value), touch: (name: string) => latest.current.touch(name) }));

  const errors = (agent: string) => [form.error(capOf(agent), `/agent_caps/${agent}`), form.error(alertsOf(agent), `/agent_alerts/${agent}`)] as const;
  // What was changed, or is wrong, stays in view whatever is looked for; also while the last of its text is taken back.
  const held = useRef(new Set<string>());
  for (const name of form.dirty) held.current.add(agentOf(name) ?? "");
  for (const agent of ids) if (errors(agent).some(Boolean)) held.current.add(agent);
  const words = text.trim().toLocaleLowerCase();
  const found = words ? order.filter((agent) => agents.name(agent).toLocaleLowerCase().includes(words)) : order;
  const first = new Set(found.slice(0, most));
  const shown = order.filter((agent) => first.has(agent) || held.current.has(agent));

  useLayoutEffect(() => {
    // The button may be gone: who pressed it goes on with the first agent that it brought.
    if (goOn.current !== undefined) (list.current?.children[goOn.current] as HTMLElement | undefined)?.focus();
    goOn.current = undefined;
  }, [most]);

  if (ids.length === 0) return <p class="muted">There is no agent yet.</p>;
  return (
    <div class="stack">
      {ids.length > FEW && (
        <search class="row filters" aria-label="Agents">
          <Input
            type="search"
            label="Find an agent"
            placeholder="Find an agent"
            maxLength={100}
            value={text}
            onInput={(next) => {
              held.current.clear();
              setText(next);
              setMost(SOME);
            }}
          />
          <span class="muted" role="status">
            {words ? (found.length ? `${plural(found.length, "agent")} found` : "No agent has that name.") : ""}
          </span>
        </search>
      )}
      <ul class="agent-caps" ref={list}>
        {shown.map((agent) => {
          const [capError, alertsError] = errors(agent);
          return <Row key={agent} agent={agent} name={agents.name(agent)} cap={form.values[capOf(agent)] ?? ""} alerts={form.values[alertsOf(agent)] ?? ""} capError={capError} alertsError={alertsError} charge={charges?.[agent]?.amount} currency={currency} edits={edits} act={act} />;
        })}
      </ul>
      {found.length > most && (
        <div class="row">
          <Button
            onClick={() => {
              const next = found[most];
              goOn.current = order.filter((agent) => first.has(agent) || held.current.has(agent) || agent === next).indexOf(next!);
              setMost(most + SOME);
            }}
          >
            Show more agents
          </Button>
          <span class="muted">
            {plural(most, "agent")} of {found.length} shown
          </span>
        </div>
      )}
    </div>
  );
}

/** The agents that `matter` first. It stays as it was when the page knew what it needs: a row that is typed in must not move. */
function useOrder(ids: string[], known: boolean, matter: (agent: string) => boolean): string[] {
  const before = useRef<{ ids: string[]; known: boolean; order: string[] } | undefined>(undefined);
  if (before.current?.ids === ids && before.current.known === known) return before.current.order;
  const placed = before.current?.known === known ? before.current.order : [];
  const [there, old] = [new Set(ids), new Set(placed)];
  const fresh = ids.filter((agent) => !old.has(agent));
  const first = new Set(fresh.filter(matter));
  const order = [...placed.filter((agent) => there.has(agent)), ...first, ...fresh.filter((agent) => !first.has(agent))];
  before.current = { ids, known, order };
  return order;
}

interface RowProps {
  agent: string;
  name: string;
  cap: string;
  alerts: string;
  capError: string | undefined;
  alertsError: string | undefined;
  /** What it was charged this month. */
  charge: string | undefined;
  currency: string;
  edits: boolean;
  act: { set: (name: string, value: string) => void; touch: (name: string) => void };
}

/** A row is drawn anew only when it changed: a key costs the row that it is typed in. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps) {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ agent, name, cap, alerts, capError, alertsError, charge, currency, edits, act }: RowProps) {
    const used = charge === undefined ? undefined : { amount: charge, currency };
    const limit = typed(cap);
    return (
      <li tabIndex={-1}>
        <div class="grow stack tight">
          <strong class="break" dir="auto">
            {name}
          </strong>
          <span class="muted">{used ? `${money(used)} this month` : "Nothing charged this month"}</span>
          {limit !== undefined && used && <Bar share={drawn(used) / Math.max(drawn({ amount: limit, currency }), Number.MIN_VALUE)} label={`${name}, used of its cap`} />}
        </div>
        <Field label={<Of label={`Cap, ${currency}`} name={name} />} error={capError} pointer={`/agent_caps/${agent}`} onBlur={() => act.touch(capOf(agent))}>
          <Input value={cap} onInput={(value) => act.set(capOf(agent), value)} inputMode="decimal" autoComplete="off" disabled={!edits} number />
        </Field>
        <Field label={<Of label="Alerts, %" name={name} />} error={alertsError} pointer={`/agent_alerts/${agent}`} onBlur={() => act.touch(alertsOf(agent))}>
          <Input value={alerts} onInput={(value) => act.set(alertsOf(agent), value)} inputMode="text" autoComplete="off" disabled={!edits} />
        </Field>
      </li>
    );
  }
}

/** A label that says to a screen reader whose field it is. */
function Of({ label, name }: { label: string; name: string }) {
  return (
    <>
      {label}
      <span class="hidden">, {name}</span>
    </>
  );
}
