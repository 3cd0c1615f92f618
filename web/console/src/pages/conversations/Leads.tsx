/** Who left contact details, where, and the sentence they agreed to; and what has become of it. */

import type { Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { usePages } from "../../api/resource";
import { ago, when } from "../../format";
import { Button, Empty } from "../../parts/basics";
import { Field, Select } from "../../parts/fields";
import { to, useQuery } from "../../routing";
import { Mail } from "./cards";
import { type Handling, Work, WorkState } from "./handling";
import { StateGroup, States, useReread } from "./states";

type Lead = Schemas["ShownLead"];

export default function Leads() {
  const [query, change] = useQuery();
  const agents = useAgents();
  return (
    <States
      label="Which leads"
      beside={
        <div class="filter">
          <Field label="Agent">
            <Select value={query.agent ?? ""} onChange={(agent) => change({ agent: agent || undefined })} options={[{ value: "", label: "All agents" }, ...agents.all.map((agent) => ({ value: agent.id, label: agent.name }))]} />
          </Field>
        </div>
      }
      group={(state) => <Group key={state} state={state} agent={query.agent} everyone={() => change({ agent: undefined })} />}
    />
  );
}

const EMPTY: Record<Handling, preact.ComponentChildren> = {
  waiting: (
    <Empty title="No leads wait" action={<Button href={to("/agents")}>Open your agents</Button>}>
      An agent whose goal it is asks visitors for contact details, with their consent. They appear here.
    </Empty>
  ),
  taken: <p class="muted">Nothing is taken.</p>,
  done: <Empty title="Nothing is done yet">Leads that somebody settled are kept here.</Empty>,
};

function Group({ state, agent, everyone }: { state: Handling; agent: string | undefined; everyone: () => void }) {
  const pages = usePages("/api/leads", { query: { state, ...(agent ? { agent_id: agent } : {}) } });
  const changed = (now: Lead) => pages.change((all) => all.map((other) => (other.conversation_id === now.conversation_id ? now : other)));
  return (
    <StateGroup
      state={state}
      pages={pages}
      age={(one) => one.left_at}
      empty={agent && state !== "taken" ? <Empty title="This agent has none of these" action={<Button onClick={everyone}>Show all agents</Button>} /> : EMPTY[state]}
      item={(one) => <Item key={one.conversation_id} one={one} changed={changed} />}
    />
  );
}

function Item({ one, changed }: { one: Lead; changed: (now: Lead) => void }) {
  const agents = useAgents();
  const reread = useReread();
  const name = one.name || one.email || one.phone || "Without a name";
  return (
    <li class="card lead">
      <div class="row between">
        <h3 class="grow break" dir="auto">
          <a href={to(`/conversations/${one.conversation_id}`)}>{name}</a>
        </h3>
        <WorkState state={one.state} since={`left ${ago(one.left_at)}`} takenBy={one.taken_by} />
      </div>
      <p class="row muted">
        <a href={to(`/agents/${one.agent_id}`)} class="break" dir="auto">
          {agents.name(one.agent_id)}
        </a>
        <time class="number" dateTime={one.left_at}>
          {when(one.left_at)}
        </time>
      </p>
      {(one.email || one.phone) && (
        <p class="row">
          {one.email && <Mail address={one.email} />}
          {one.phone && <a href={`tel:${one.phone.replace(/[^\d+]/g, "")}`}>{one.phone}</a>}
        </p>
      )}
      {one.message && (
        <blockquote class="break" dir="auto">
          “{one.message}”
        </blockquote>
      )}
      <p class="muted break">
        {one.consent ? (
          <>
            Agreed to: <span dir="auto">“{one.consent}”</span>
          </>
        ) : (
          "No consent was asked for"
        )}
      </p>
      <Work wish="lead" conversation={one.conversation_id} state={one.state} takenBy={one.taken_by} note={one.note} changed={changed} reread={reread} listed={name} />
    </li>
  );
}
