/** Caps and alerts: what a month may cost at most, in all and by agent, and what happens when that is reached. */

import { useMemo } from "preact/hooks";
import { useAgents } from "../../api/names";
import { call, type Schemas } from "../../api/client";
import { forget, useResource } from "../../api/resource";
import { money } from "../../format";
import { Card, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, Input } from "../../parts/fields";
import { SaveBar, useForm } from "../../parts/form";
import { Loaded } from "../../parts/problem";
import { may } from "../../session/session";
import { AgentCaps, alertsOf, capOf } from "./AgentCaps";
import { percent, shareOf, typed } from "./exact";

type Budgets = Schemas["Budgets"];
type Values = Record<string, string>;

const written = (shares: string[]) => shares.map(percent).join(", ");
const read = (text: string): (string | undefined)[] => text.split(/[,;\s]+/).filter((part) => part && part !== "%").map(shareOf);

function values(stored: Budgets, agents: string[]): Values {
  return {
    cap: stored.cap?.amount ?? "",
    alerts: written(stored.alerts),
    visitor_hour_share: percent(stored.visitor_hour_share),
    visitor_day_share: percent(stored.visitor_day_share),
    ...Object.fromEntries(agents.flatMap((agent) => [[capOf(agent), stored.agent_caps[agent]?.amount ?? ""], [alertsOf(agent), written(stored.agent_alerts[agent] ?? [])]])),
  };
}

function change(of: Values, agents: string[], currency: string): Schemas["BudgetsChange"] {
  const capped = agents.filter((agent) => of[capOf(agent)]?.trim());
  const amount = (text: string | undefined) => ({ amount: typed(text ?? "") ?? "0", currency });
  const shares = (text: string | undefined) => read(text ?? "").filter((one): one is string => one !== undefined);
  return {
    cap: of.cap?.trim() ? amount(of.cap) : null,
    alerts: shares(of.alerts),
    visitor_hour_share: shareOf(of.visitor_hour_share ?? "") ?? "0",
    visitor_day_share: shareOf(of.visitor_day_share ?? "") ?? "0",
    agent_caps: Object.fromEntries(capped.map((agent) => [agent, amount(of[capOf(agent)])])),
    agent_alerts: Object.fromEntries(capped.flatMap((agent) => (of[alertsOf(agent)]?.trim() ? [[agent, shares(of[alertsOf(agent)])]] : []))),
  };
}

function wrong(of: Values): Partial<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, text] of Object.entries(of)) {
    if (name === "cap" || name.startsWith("cap ")) {
      if (text.trim() && typed(text) === undefined) found[name] = "Write an amount, such as 100 or 12.50; empty is no cap.";
    } else if (name.startsWith("visitor")) {
      if (shareOf(text) === undefined) found[name] = "Write a percentage, such as 25.";
    } else if (read(text).some((one) => one === undefined)) found[name] = "Write percentages with commas between them, such as 80, 100.";
    else if (name.startsWith("alerts ") && text.trim() && !of[name.replace("alerts ", "cap ")]?.trim()) found[name] = "An alert needs a cap of its own.";
  }
  return found;
}

export function Caps({ billing }: { billing: Schemas["Billing"] | undefined }) {
  const budgets = useResource("/api/billing/budgets");
  return (
    <Loaded from={budgets} lines={8}>
      {(stored) => <Form stored={stored} etag={budgets.etag} put={budgets.put} billing={billing} />}
    </Loaded>
  );
}

function Form({ stored, etag, put, billing }: { stored: Budgets; etag: string | undefined; put: (data: Budgets, etag?: string) => void; billing: Schemas["Billing"] | undefined }) {
  const agents = useAgents();
  const currency = billing?.currency ?? stored.cap?.currency ?? "USD";
  const ids = useMemo(() => [...new Set([...agents.all.map((one) => one.id), ...Object.keys(stored.agent_caps)])], [agents.all, stored]);
  const kept = useMemo(() => values(stored, ids), [stored, ids]);
  const form = useForm<Values>({
    stored: kept,
    etag,
    check: wrong,
    reread: async () => {
      const now = await call("get", "/api/billing/budgets");
      put(now.data, now.etag);
      return { stored: values(now.data, ids), etag: now.etag };
    },
    save: async (_, all, tag) => {
      const { data, etag: next } = await call("put", "/api/billing/budgets", { body: change(all, ids, currency), etag: tag });
      put(data, next);
      forget("/api/billing", "/api/dashboard");
      toast(data.cap ? `The cap is ${money(data.cap)} from the next turn on` : "There is no cap from the next turn on");
    },
  });
  const names = useMemo(
    () => ({
      cap: "Cap of the workspace",
      alerts: "Alerts, %",
      visitor_hour_share: "Visitors’ share in an hour, %",
      visitor_day_share: "Visitors’ share in a day, %",
      ...Object.fromEntries(ids.flatMap((agent) => [[capOf(agent), `Cap of ${agents.name(agent)}`], [alertsOf(agent), `Alerts of ${agents.name(agent)}, %`]])),
    }),
    [ids, agents],
  );
  const edits = may("admin");
  const input = (name: string, more: object = {}) => <Input value={form.values[name] ?? ""} onInput={(value) => form.set(name, value)} inputMode="decimal" autoComplete="off" disabled={!edits} number {...more} />;
  return (
    <div class="stack loose">
      <Note title="What happens at a cap">
        <p>Before each turn the most it can cost is set aside. A turn that does not fit is refused before the model is asked, so nothing is charged above a cap.</p>
        <p>Visitors then read the agent’s away message, and programs get 402. With a higher cap here, the next turn is answered again. A new month starts from nothing.</p>
      </Note>
      {!edits && <Note>Caps are set by an owner or admin.</Note>}
      <div class="grid">
        <Card title="Workspace" span={6}>
          <Field label={`Cap a month, ${currency}`} hint="Of the charge for turns, before the plan’s monthly price and tax. Empty: no cap." error={form.error("cap")} pointer="/cap" onBlur={() => form.touch("cap")} optional>
            {input("cap")}
          </Field>
          <Field label="Tell us at, % of the cap" hint="By e-mail and in the feed, once a month each." error={form.error("alerts")} pointer="/alerts" onBlur={() => form.touch("alerts")}>
            {input("alerts", { number: false, inputMode: "text" })}
          </Field>
        </Card>
        <Card title="Visitors’ share" span={6}>
          <p class="muted">Strangers on your site can use only a part of the cap at a time. Beyond it they are asked to wait, and you are told; your own turns go on.</p>
          <div class="pair">
            <Field label="In an hour, %" error={form.error("visitor_hour_share")} pointer="/visitor_hour_share" onBlur={() => form.touch("visitor_hour_share")}>
              {input("visitor_hour_share")}
            </Field>
            <Field label="In a day, %" error={form.error("visitor_day_share")} pointer="/visitor_day_share" onBlur={() => form.touch("visitor_day_share")}>
              {input("visitor_day_share")}
            </Field>
          </div>
        </Card>
        <Card title="Agents" span={12}>
          <p class="muted">A cap of its own stops one agent and leaves the others running. Empty is no cap; without alerts of its own, you are told at 80 and 100 %. Agents with a cap or a charge stand first.</p>
          <AgentCaps ids={ids} agents={agents} form={form} charges={billing?.charge_by_agent} currency={currency} edits={edits} />
        </Card>
      </div>
      <SaveBar
        form={form}
        label="Save caps"
        within={["tab"]}
        names={names}
      />
    </div>
  );
}
