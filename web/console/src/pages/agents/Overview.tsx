/** How an agent does: this month's figures, what it is, how it came to its status, its latest conversations. */

import type { Schemas } from "../../api/client";
import { type Resource, useResource } from "../../api/resource";
import { ago, chargeOf, count, day, duration, fine, money, plural, when } from "../../format";
import { Badge, Button, Card, Empty, Facts, State } from "../../parts/basics";
import { Tile } from "../../parts/figure";
import { Loaded } from "../../parts/problem";
import { addDays, today } from "../../parts/range";
import { to } from "../../routing";
import { may, workspace } from "../../session/session";
import { channelName } from "../channels";
import { usePersons } from "../conversations/persons";
import { useCatalogue } from "./catalogue";

interface Props {
  agent: Schemas["ShownAgent"];
  fleet: Resource<Schemas["FleetAgent"]>;
  status: Resource<Schemas["functions__my_agents__models__Status"]>;
}

export function Overview({ agent, fleet, status }: Props) {
  return (
    <>
      {!agent.published && may("member") && <Begin agent={agent} />}
      <Loaded from={fleet} lines={4}>
        {(data) => <Tiles fleet={data} />}
      </Loaded>
      <div class="grid">
        <Card title="Latest conversations" span={8} aside={<a href={to("/conversations", { agent: agent.id })}>All of them</a>}>
          <Latest agent={agent} />
        </Card>
        <Card title="About" span={4}>
          <About agent={agent} fleet={fleet.data} />
        </Card>
        <Card title="Status" span={12}>
          <Loaded from={status}>{(data) => <History steps={data.history} />}</Loaded>
        </Card>
      </div>
    </>
  );
}

function Begin({ agent }: { agent: Schemas["ShownAgent"] }) {
  const steps = [
    { done: Boolean(agent.knowledge.items), title: "Teach it", text: "Answers, texts, documents: what it should know.", action: "Add knowledge", href: to(`/agents/${agent.id}`, { tab: "knowledge" }) },
    { done: false, title: "Try it", text: "Ask what your visitors ask; the draft answers.", action: "Open the playground", href: to(`/agents/${agent.id}`, { tab: "playground" }) },
    { done: false, title: "Publish", text: "Then switch it on: visitors talk to the published version.", action: undefined, href: "" },
  ];
  const next = steps.findIndex((step) => !step.done);
  return (
    <Card title="Before visitors meet it">
      <ol class="steps-list">
        {steps.map((step, i) => (
          <li key={step.title} class={step.done ? "done" : ""}>
            <div>
              <h3>{step.title}</h3>
              <p class="muted">{step.text}</p>
            </div>
            {step.action && (i === next || i === 1) && <Button href={step.href}>{step.action}</Button>}
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Tiles({ fleet }: { fleet: Schemas["FleetAgent"] }) {
  const now = today(workspace.value?.time_zone ?? "UTC");
  const days = useResource("/api/usage/stats", workspace.value ? { query: { agent: fleet.id, from: addDays(now, -13), to: now, granularity: "day" } } : null);
  const line = (value: (figures: Schemas["functions__analytics__models__Figures"]) => number) => {
    const values = days.data?.items.map((step) => value(step.figures));
    return values ? { line: values } : {};
  };
  const { health } = fleet;
  return (
    <div class="grid">
      <div class="span-3">
        <Tile name="Conversations this month" metric="conversations" value={count(fleet.month.conversations)} aside={`${count(fleet.today.conversations)} today`} {...line((f) => f.conversations)} />
      </div>
      <div class="span-3">
        <Tile name="Charge this month" metric="charge" value={money(fleet.month.charge)} aside={`${fine(fleet.today.charge)} today`} {...line((f) => Number(f.charge.amount))} />
      </div>
      <div class="span-3">
        <Tile name="Errors today" metric="errors" value={health.turns ? count(health.errors) : "–"} aside={health.turns ? `of ${plural(health.turns, "turn")}` : "No turns today"} />
      </div>
      <div class="span-3">
        <Tile name="Whole answer, p95, today" metric="latency_p95_ms" value={duration(health.latency_p95_ms)} aside={fleet.last_active ? `Last active ${ago(fleet.last_active)}` : "Never active"} />
      </div>
    </div>
  );
}

function Latest({ agent }: { agent: Schemas["ShownAgent"] }) {
  const latest = useResource("/api/conversations", { query: { agent_id: agent.id, page_size: 8 } });
  return (
    <Loaded from={latest} lines={6}>
      {(data) =>
        data.items.length ? (
          <ul class="feed">
            {data.items.map((one) => (
              <li key={one.id}>
                <a class="break" href={to(`/conversations/${one.id}`)} dir="auto">
                  {one.title || "No words yet"}
                </a>
                <span class="number muted">{ago(one.updated_at)}</span>
                <span class="row">
                  <span class="muted">
                    {channelName(one.channel)}, {plural(one.turns, "turn")}
                  </span>
                  {one.handed_off && <State of="handed off" />}
                  {one.outcome && one.outcome !== "completed" && <State of={one.outcome} />}
                </span>
                <span class="number muted">{chargeOf(one)}</span>
              </li>
            ))}
          </ul>
        ) : (
          <Empty title="No conversations yet" action={may("member") && <Button href={to(`/agents/${agent.id}`, { tab: "playground" })}>Open the playground</Button>}>
            Try it yourself, or put its widget on a page.
          </Empty>
        )
      }
    </Loaded>
  );
}

function About({ agent, fleet }: { agent: Schemas["ShownAgent"]; fleet: Schemas["FleetAgent"] | undefined }) {
  const catalogue = useCatalogue();
  return (
    <div class="stack">
      <Facts
        of={[
          ["Industry", catalogue.industry(agent.industry)],
          ["Model", catalogue.model(agent.model)],
          ["Published", agent.published ? `v${agent.published.number}` : "not yet"],
          ["Knowledge", agent.knowledge.items ? `${plural(agent.knowledge.items, "item")}, ${plural(agent.knowledge.passages ?? 0, "passage")}` : "nothing yet"],
          ["Changed", when(agent.updated_at)],
          ["Made", day(agent.created_at)],
        ]}
      />
      {fleet && fleet.tags.length > 0 && (
        <div class="row">
          {fleet.tags.map((tag) => (
            <a key={tag} class="plain" href={to("/agents", { tag })}>
              <Badge>
                <span dir="auto">{tag}</span>
              </Badge>
            </a>
          ))}
        </div>
      )}
      {fleet?.note && (
        <p class="break note-text" dir="auto">
          {fleet.note}
        </p>
      )}
    </div>
  );
}

function History({ steps }: { steps: Schemas["StatusStep"][] }) {
  const who = usePersons();
  if (!steps.length) return <p class="muted">A draft since it was made.</p>;
  return (
    <ul class="feed">
      {steps.map((step) => (
        <li key={step.at}>
          <span class="row">
            <State of={step.status} />
            <span class="muted break" dir="auto">
              by {who(step.actor)}
              {step.reason && `: ${step.reason}`}
            </span>
          </span>
          <span class="number muted">{when(step.at)}</span>
        </li>
      ))}
    </ul>
  );
}
