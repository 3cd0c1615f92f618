/** Files of what the workspace has: asked for here, written in the background, kept for a week. */

import "../../styles/exports.css";
import { useState } from "preact/hooks";
import { useAgents } from "../../api/names";
import { call, newKey, type Schemas } from "../../api/client";
import { useAction, usePages, usePolling } from "../../api/resource";
import { Button, Card, Empty, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, Input, Segments, Select } from "../../parts/fields";
import { Page } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { addDays, dayIn, daysOf, RANGES, today } from "../../parts/range";
import { List } from "../../parts/table";
import { useQuery } from "../../routing";
import { may, workspace } from "../../session/session";
import { columns } from "./columns";
import { beginning, type Format, isKind, KINDS, type Kind } from "./kinds";

type Export = Schemas["Export"];
const EVERY = 2000;
const under_way = (one: Export) => one.state === "queued" || one.state === "running";

export default function Exports() {
  if (workspace.value && !may("member"))
    return (
      <Page title="Exports">
        <Note title="Exports need the role member">
          <p>Ask an owner or admin of this workspace for it. Every chart has its numbers as CSV without it.</p>
        </Note>
      </Page>
    );
  return (
    <Page title="Exports">
      <Jobs />
    </Page>
  );
}

function Jobs() {
  const pages = usePages("/api/exports");
  const agents = useAgents();
  const open = pages.items.filter(under_way).map((one) => one.id);
  const [late, setLate] = useState(false);
  const ask = async () => {
    const found = await Promise.all(open.map((id) => call("get", "/api/exports/{export}", { path: { export: id } }).catch(() => undefined)));
    setLate(found.some((one) => one === undefined));
    pages.change((items) => items.map((item) => found.find((one) => one?.data.id === item.id)?.data ?? item));
  };
  usePolling(open.length ? EVERY : undefined, ask);
  return (
    <div class="stack loose">
      <New made={(one) => pages.change((items) => [one, ...items.filter((item) => item.id !== one.id)])} />
      <Card title="Files of the last 7 days">
        {open.length > 0 && (
          <p class="muted" role="status">
            {late ? "How far they are could not be read just now; they go on." : "You can leave this page: the files are written in the background and wait here."}
          </p>
        )}
        <List
          label="Exports"
          pages={pages}
          columns={columns(agents.name)}
          keyOf={(one) => one.id}
          empty={<Empty title="No exports yet">A file that you ask for above appears here, with how far it is, and stays for seven days.</Empty>}
        />
      </Card>
    </div>
  );
}

const SPANS = [{ value: "all", label: "Everything there is" }, ...RANGES];

function New({ made }: { made: (one: Export) => void }) {
  const [query, change] = useQuery();
  const agents = useAgents();
  const zone = workspace.value?.time_zone ?? "UTC";
  const kind: Kind = isKind(query.kind) && may(KINDS[query.kind].role) ? query.kind : "stats";
  const chosen = KINDS[kind];
  const [first, last] = [dayIn(query.from), dayIn(query.to)];
  const range = query.range ?? (first && last ? "custom" : "all");
  const now = today(zone);
  const [from, to] = range === "custom" ? [first ?? addDays(now, -29), last ?? now] : range === "all" ? ["", ""] : daysOf(range, now);
  const format: Format = kind === "workspace" ? "zip" : query.format === "jsonl" || query.format === "parquet" ? query.format : "csv";
  const agent = chosen.ofAgent ? (query.agent ?? "") : "";
  const wrong = range === "custom" && from > to ? "The last day is before the first." : undefined;
  // The wish has one key until it is fulfilled, so that a second press after a lost answer makes no second file.
  const wish = JSON.stringify([kind, format, from, to, agent]);
  const [key, setKey] = useState({ wish, key: newKey() });
  const asking = useAction(async () => {
    const current = key.wish === wish ? key : { wish, key: newKey() };
    setKey(current);
    const { data } = await call("post", "/api/exports", {
      body: { kind, format, from: from ? beginning(from, zone) : null, to: to ? beginning(addDays(to, 1), zone) : null, agent_id: agent || null },
      key: current.key,
    });
    setKey({ wish, key: newKey() });
    made(data);
    toast(`${chosen.label}: the file is being written`);
  });
  return (
    <Card title="New export">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong) void asking.run();
        }}
      >
        <div class="export-form">
          <Field label="What" hint={chosen.hint}>
            <Select
              value={kind}
              onChange={(next) => change({ kind: next })}
              options={Object.entries(KINDS)
                .filter(([, one]) => may(one.role))
                .map(([value, { label }]) => ({ value, label }))}
            />
          </Field>
          <Field label="Time span" error={wrong} hint={range === "all" ? "From the first day on." : `Days of ${zone}, both included.`}>
            <Select value={range} onChange={(next) => change({ range: next, from: next === "custom" ? from || addDays(now, -29) : undefined, to: next === "custom" ? to || now : undefined })} options={SPANS} />
          </Field>
          {range === "custom" && (
            <>
              <Field label="From">
                <Input type="date" value={from} max={to} onInput={(next) => next && change({ range, from: next, to })} />
              </Field>
              <Field label="To">
                <Input type="date" value={to} min={from} onInput={(next) => next && change({ range, from, to: next })} />
              </Field>
            </>
          )}
          {chosen.ofAgent && (
            <Field label="Agent">
              <Select value={agent} onChange={(next) => change({ agent: next || undefined })} options={[{ value: "", label: "All agents" }, ...agents.all.map((one) => ({ value: one.id, label: one.name }))]} />
            </Field>
          )}
          <Field label="Format" group>
            {kind === "workspace" ? (
              <span class="fixed">ZIP</span>
            ) : (
              <div>
                <Segments
                  label="Format"
                  value={format}
                  onChange={(next) => change({ format: next === "csv" ? undefined : next })}
                  options={[
                    { value: "csv", label: "CSV" },
                    { value: "jsonl", label: "JSON Lines" },
                    { value: "parquet", label: "Parquet" },
                  ]}
                />
              </div>
            )}
          </Field>
        </div>
        {asking.problem && <ErrorNote problem={asking.problem} retry={() => asking.run()} />}
        <div>
          <Button kind="primary" submit busy={asking.busy}>
            Export {kind === "workspace" ? "workspace" : "file"}
          </Button>
        </div>
      </form>
    </Card>
  );
}
