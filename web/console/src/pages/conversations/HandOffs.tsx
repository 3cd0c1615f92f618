/** Who waits for a person: those who wait first, the longest wait on top, then what is taken; done is kept apart. */

import { useCallback } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { usePages, usePolling } from "../../api/resource";
import { ago, plural } from "../../format";
import { Empty, Skeleton } from "../../parts/basics";
import { Segments } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { More } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { HandOffState, HandOffWork } from "./handling";

type HandOff = Schemas["ShownHandOff"];
type Waiting = HandOff["state"];

export default function HandOffs() {
  const [query, change] = useQuery();
  const done = query.state === "done";
  return (
    <div class="stack loose">
      <div class="row">
        <Segments
          label="Which hand-offs"
          value={done ? "done" : ""}
          onChange={(state) => change({ state: state || undefined })}
          options={[
            { value: "", label: "Open" },
            { value: "done", label: "Done" },
          ]}
        />
      </div>
      {done ? (
        <Group key="done" state="done" title="Done" empty={<Empty title="Nothing is done yet">Hand-offs that somebody settled are kept here.</Empty>} />
      ) : (
        <>
          <Group
            key="waiting"
            state="waiting"
            title="Waiting"
            empty={
              <Empty title="Nobody waits">
                When a visitor asks for a person, or an agent does not know further, it appears here, and those who get alerts are told by mail.
              </Empty>
            }
          />
          <Group key="taken" state="taken" title="Taken" empty={<p class="muted">Nothing is taken.</p>} />
        </>
      )}
    </div>
  );
}

function Group({ state, title, empty }: { state: Waiting; title: string; empty: preact.ComponentChildren }) {
  const pages = usePages("/api/hand-offs", { query: { state } });
  // While only the first page is shown; a longer list must not shrink under a reader.
  const refresh = useCallback(async () => void (pages.items.length <= 50 && (await pages.reload())), [pages.items.length <= 50]);
  usePolling(state === "done" ? undefined : 30_000, refresh);
  const age = (one: HandOff) => one.asked_at ?? one.updated_at;
  const items = state === "done" ? pages.items : [...pages.items].sort((a, b) => age(a).localeCompare(age(b)));
  return (
    <section class="stack" aria-label={title}>
      <h2 class="row">
        {title}
        {!pages.loading && items.length > 0 && <span class="muted number">{pages.more ? `${items.length} and more` : items.length}</span>}
      </h2>
      {pages.loading && <Skeleton lines={3} />}
      {pages.problem && <ErrorNote problem={pages.problem} retry={pages.reload} />}
      {!pages.loading && !pages.problem && !items.length && empty}
      {items.length > 0 && (
        <ul class="stack">
          {items.map((one) => (
            <Item key={one.conversation_id} one={one} changed={(now) => pages.change((all) => all.map((other) => (other.conversation_id === now.conversation_id ? now : other)))} />
          ))}
        </ul>
      )}
      <More of={pages} shown={items.length} />
    </section>
  );
}

function Item({ one, changed }: { one: HandOff; changed: (now: HandOff) => void }) {
  const agents = useAgents();
  return (
    <li class="card hand-off">
      <div class="row between">
        <h3 class="grow break" dir="auto">
          <a href={to(`/conversations/${one.conversation_id}`)}>{one.title || "No words yet"}</a>
        </h3>
        <HandOffState state={one.state} asked={one.asked_at} takenBy={one.taken_by} />
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
      <HandOffWork conversation={one.conversation_id} state={one.state} takenBy={one.taken_by} note={one.note} changed={changed} />
    </li>
  );
}
