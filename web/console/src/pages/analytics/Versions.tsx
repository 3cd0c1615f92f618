/** The published versions of an agent side by side: what a change of the prompt did to quality, speed and margin. */

import { useAgents } from "../../api/names";
import { usePages } from "../../api/resource";
import type { Schemas } from "../../api/client";
import { count, day, duration, fine, money, share } from "../../format";
import { Badge, Card, Empty } from "../../parts/basics";
import { Definition } from "../../parts/figure";
import { Select } from "../../parts/fields";
import { type Column, List } from "../../parts/table";
import type { Cut } from "./cut";

type Version = Schemas["VersionPerformance"];

const head = (label: string, metric: string) => (
  <span class="with-info">
    {label}
    <Definition metric={metric} name={label} />
  </span>
);

const COLUMNS: Column<Version>[] = [
  {
    id: "version",
    head: "Version",
    card: "title",
    cell: (one) => (
      <span class="pair start">
        v{one.number}
        {one.is_published ? <Badge tone="success">Published</Badge> : <span class="muted number">{day(one.published_at)}</span>}
      </span>
    ),
  },
  { id: "conversations", head: head("Conversations", "conversations"), card: "figure", number: true, cell: (one) => count(one.conversations) },
  { id: "resolution", head: head("Resolved", "resolution_rate"), card: "figure", number: true, cell: (one) => share(one.resolution_rate) },
  { id: "helpful", head: head("Helpful", "helpful_rate"), card: "figure", number: true, cell: (one) => share(one.helpful_rate) },
  { id: "errors", head: head("Errors", "error_rate"), card: "figure", number: true, cell: (one) => share(one.error_rate) },
  { id: "speed", head: head("First token, p95", "first_token_p95_ms"), card: "figure", number: true, cell: (one) => duration(one.first_token_p95_ms) },
  { id: "charge", head: head("Per conversation", "charge_per_conversation"), card: "figure", number: true, cell: (one) => fine(one.charge_per_conversation, 4) },
  { id: "margin", head: head("Margin", "margin_rate"), card: "figure", number: true, cell: (one) => (
      <span class="pair">
        {share(one.margin_rate)}
        <span class="muted">{one.margin_rate === null ? "" : money(one.margin)}</span>
      </span>
    ) },
];

export function Versions({ cut }: { cut: Cut }) {
  const agents = useAgents();
  const first = agents.all.find((agent) => agent.version !== null)?.id;
  const agent = cut.of ?? first;
  if (!agents.all.length) return null;
  return (
    <Card
      title="Prompt versions"
      span={12}
      aside={
        agents.all.length > 1 && !cut.of && agent ? (
          <Select label="Agent whose versions are shown" value={agent} onChange={(next) => cut.change({ agent: next, model: undefined, channel: undefined, industry: undefined, version: undefined })} options={agents.all.map((one) => ({ value: one.id, label: one.name }))} />
        ) : undefined
      }
    >
      {agent ? <Of agent={agent} name={agents.name(agent)} cut={cut} /> : <Empty title="Nothing is published yet">Each published version of a prompt stands here with its quality and its margin.</Empty>}
    </Card>
  );
}

function Of({ agent, name, cut }: { agent: string; name: string; cut: Cut }) {
  const given = { path: { agent }, query: { from: cut.span.from, to: cut.span.to } };
  const pages = usePages("/api/analytics/agents/{agent}/versions", given);
  return <List label={`Versions of ${name}`} pages={pages} columns={COLUMNS} keyOf={(one) => one.version_id} empty={<Empty title="No published versions">Publish {name} to compare what a change of its prompt does.</Empty>} />;
}
