/** Who left contact details, where, and the sentence they agreed to. */

import type { Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { usePages } from "../../api/resource";
import { ago, when } from "../../format";
import { Button, Empty } from "../../parts/basics";
import { Field, Select } from "../../parts/fields";
import { type Column, List } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { Mail } from "./cards";

type Lead = Schemas["ShownLead"];

export default function Leads() {
  const [query, change] = useQuery();
  const agents = useAgents();
  const pages = usePages("/api/leads", { query: query.agent ? { agent_id: query.agent } : {} });
  const columns: Column<Lead>[] = [
    {
      id: "name",
      head: "Name",
      card: "title",
      cell: (one) => (
        <a href={to(`/conversations/${one.conversation_id}`)} dir="auto">
          {one.name || one.email || one.phone || "Without a name"}
        </a>
      ),
    },
    {
      id: "contact",
      head: "Contact",
      card: "detail",
      cell: (one) => (
        <span class="lead-contact">
          {one.email && <Mail address={one.email} />}
          {one.phone && <a href={`tel:${one.phone.replace(/[^\d+]/g, "")}`}>{one.phone}</a>}
        </span>
      ),
    },
    {
      id: "said",
      head: "Message",
      card: "detail",
      cell: (one) => (
        <span dir="auto">
          {one.message || <span class="muted">{one.title || "–"}</span>}
        </span>
      ),
    },
    {
      id: "agent",
      head: "Agent",
      card: "detail",
      cell: (one) => (
        <span dir="auto">
          {agents.name(one.agent_id)}
        </span>
      ),
    },
    {
      id: "consent",
      head: "Agreed to",
      card: "detail",
      cell: (one) => (
        <span dir="auto">
          {one.consent || <span class="muted">No consent was asked for</span>}
        </span>
      ),
    },
    { id: "left", head: "Left", card: "status", cell: (one) => <time class="number muted" dateTime={one.left_at} title={when(one.left_at)}>{ago(one.left_at)}</time> },
  ];
  return (
    <div class="stack leads">
      <div class="row">
        <div class="filter">
          <Field label="Agent">
            <Select value={query.agent ?? ""} onChange={(agent) => change({ agent: agent || undefined })} options={[{ value: "", label: "All agents" }, ...agents.all.map((agent) => ({ value: agent.id, label: agent.name }))]} />
          </Field>
        </div>
      </div>
      <List
        label="Leads"
        pages={pages}
        columns={columns}
        keyOf={(one) => one.conversation_id}
        empty={
          query.agent ? (
            <Empty title="This agent has no leads" action={<Button onClick={() => change({ agent: undefined })}>Show all agents</Button>} />
          ) : (
            <Empty title="No leads yet" action={<Button href={to("/agents")}>Open your agents</Button>}>
              An agent whose goal it is asks visitors for contact details, with their consent. They appear here.
            </Empty>
          )
        }
      />
    </div>
  );
}
