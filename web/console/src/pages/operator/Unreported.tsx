/** Turns whose provider left tokens out: what the operator reads in the provider's bill is reported here. Nothing is shown when all is known. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { useAction, usePages } from "../../api/resource";
import { BUCKETS } from "../../buckets";
import { count, fine, when } from "../../format";
import { Button, Facts, State } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, Input } from "../../parts/fields";
import { List } from "../../parts/table";
import { Ask } from "./acts";

type One = Schemas["PendingUsage"];

const missing = (one: One) => BUCKETS.filter(([name]) => one[name] === null);

export function Unreported({ workspace, done }: { workspace: string; done: () => void }) {
  const pages = usePages("/api/operator/workspaces/{workspace}/pending", { path: { workspace } });
  const [chosen, choose] = useState<One>();
  if (!pages.problem && !pages.items.length) return null;
  return (
    <section class="stack">
      <h2>Usage not reported</h2>
      <p class="muted">The provider left tokens out of these answers. They cost nothing until you report them.</p>
      <List
        label="Usage not reported"
        pages={pages}
        keyOf={(one) => one.id}
        columns={[
          { id: "when", head: "Time", card: "title", cell: (one) => when(one.occurred_at) },
          { id: "model", head: "Model", card: "detail", cell: (one) => one.model },
          { id: "outcome", head: "Ended", card: "detail", cell: (one) => <State of={one.outcome} /> },
          { id: "missing", head: "Not reported", card: "detail", cell: (one) => missing(one).map(([, label], i) => (i ? label.toLowerCase() : label)).join(", ") },
          {
            id: "acts",
            head: <span class="hidden">Actions</span>,
            card: "detail",
            cell: (one) => (
              <Button label={`Report the tokens of ${when(one.occurred_at)}`} onClick={() => choose(one)}>
                Report
              </Button>
            ),
          },
        ]}
        empty={null}
      />
      {chosen && (
        <Report
          workspace={workspace}
          turn={chosen}
          done={() => {
            done();
            void pages.reload();
          }}
          onClose={() => choose(undefined)}
        />
      )}
    </section>
  );
}

function Report({ workspace, turn, done, onClose }: { workspace: string; turn: One; done: () => void; onClose: () => void }) {
  const [texts, set] = useState<Record<string, string>>({});
  const [reason, setReason] = useState("");
  const asked = missing(turn);
  const whole = asked.every(([name]) => /^\d{1,8}$/.test((texts[name] ?? "").trim()));
  const act = useAction(async () => {
    const counts = Object.fromEntries(asked.map(([name]) => [name, Number((texts[name] ?? "").trim())]));
    const { data } = await call("post", "/api/operator/workspaces/{workspace}/pending/{turn}", { path: { workspace, turn: turn.id }, body: { ...counts, reason: reason.trim() } });
    toast(`${fine(data.charge)} more is charged, ${fine(data.cost)} is the cost`);
  });
  return (
    <Ask title="Report tokens" action="Report tokens" wrong={whole ? !reason.trim() && "Say where the counts are from first" : "Write a whole number in each field, 0 if there were none"} act={act} onClose={onClose} done={done}>
      <p>The turn is charged as if the provider had reported them at once, as far as the caps leave room. What is reported cannot be changed.</p>
      <Facts
        of={[
          ["Time", when(turn.occurred_at)],
          ["Model", `${turn.provider} ${turn.model}${turn.region ? `, ${turn.region}` : ""}`],
          ...(turn.trace_id ? [["Trace", <code class="break">{turn.trace_id}</code>] as [string, preact.ComponentChildren]] : []),
          ...BUCKETS.filter(([name]) => turn[name] !== null).map(([name, label]): [string, preact.ComponentChildren] => [`${label} tokens`, <span class="number">{count(turn[name])}</span>]),
        ]}
      />
      {asked.map(([name, label], i) => (
        <Field key={name} label={`${label} tokens`} error={act.problem?.at(`/${name}`)}>
          <Input value={texts[name] ?? ""} onInput={(text) => set((now) => ({ ...now, [name]: text }))} inputMode="numeric" autoComplete="off" number autoFocus={i === 0} />
        </Field>
      ))}
      <Field label="Where they are from" hint="Such as the line of the provider’s bill. The workspace reads it." error={act.problem?.at("/reason")}>
        <Input value={reason} onInput={setReason} maxLength={200} />
      </Field>
    </Ask>
  );
}
