/** Who waits for a person. */

import type { Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { usePages } from "../../api/resource";
import { ago, plural } from "../../format";
import { Empty } from "../../parts/basics";
import { to } from "../../routing";
import { type Handling, Work, WorkState } from "./handling";
import { StateGroup, States, useReread } from "./states";

type HandOff = Schemas["ShownHandOff"];

export default function HandOffs() {
  return <States label="Which hand-offs" group={(state) => <Group key={state} state={state} />} />;
}

const EMPTY: Record<Handling, preact.ComponentChildren> = {
  waiting: (
    <Empty title="Nobody waits">
      When a visitor asks for a person, or an agent does not know further, it appears here, and those who get alerts are told by mail.
    </Empty>
  ),
  taken: <p class="muted">Nothing is taken.</p>,
  done: <Empty title="Nothing is done yet">Hand-offs that somebody settled are kept here.</Empty>,
};

function Group({ state }: { state: Handling }) {
  const pages = usePages("/api/hand-offs", { query: { state } });
  const changed = (now: HandOff) => pages.change((all) => all.map((other) => (other.conversation_id === now.conversation_id ? now : other)));
  return (
    <StateGroup
      state={state}
      pages={pages}
      age={(one) => one.asked_at ?? one.updated_at}
      empty={EMPTY[state]}
      item={(one) => <Item key={one.conversation_id} one={one} changed={changed} />}
    />
  );
}

function Item({ one, changed }: { one: HandOff; changed: (now: HandOff) => void }) {
  const agents = useAgents();
  const reread = useReread();
  const name = one.title || "No words yet";
  return (
    <li class="card hand-off">
      <div class="row between">
        <h3 class="grow break" dir="auto">
          <a href={to(`/conversations/${one.conversation_id}`)}>{name}</a>
        </h3>
        <WorkState state={one.state} since={one.asked_at ? `asked ${ago(one.asked_at)}` : ""} takenBy={one.taken_by} />
      </div>
      <p class="row muted">
        <a href={to(`/agents/${one.agent_id}`)} class="break" dir="auto">
          {agents.name(one.agent_id)}
        </a>
        <span>{plural(one.turn_count, "turn")}</span>
        {one.state !== "waiting" && one.asked_at && <span>asked {ago(one.asked_at)}</span>}
      </p>
      {one.visitor_note && (
        <blockquote class="break" dir="auto">
          “{one.visitor_note}”
        </blockquote>
      )}
      <Work wish="hand-off" conversation={one.conversation_id} state={one.state} takenBy={one.taken_by} note={one.note} changed={changed} reread={reread} listed={name} />
    </li>
  );
}
