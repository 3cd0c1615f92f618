/** The fleet: every agent with its figures; found by filters, changed one by one or many at once. */

import "../../styles/agents.css";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, type Given, type Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { forget, useAction, usePages } from "../../api/resource";
import { ago, amount, count, duration } from "../../format";
import { Button, Empty, State } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Checkbox, Input, Select } from "../../parts/fields";
import { Icon } from "../../parts/icons";
import { Page } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { type Column, List, useWide } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { may, workspace } from "../../session/session";
import { Bulk } from "./Bulk";
import { type Catalogue, useCatalogue } from "./catalogue";
import { Import } from "./Import";

type FleetAgent = Schemas["FleetAgent"];
type Filters = NonNullable<Given<"/api/my-agents", "get">["query"]>;
type Status = FleetAgent["status"];

const STATUSES: readonly Status[] = ["draft", "active", "paused", "archived"];
const SORTS: readonly NonNullable<Filters["sort"]>[] = ["name", "-name", "created_at", "-created_at", "charge", "-charge", "last_active", "-last_active"];
/** What the heads of the table offer, for a phone, where there are cards. */
const ORDERS: { value: (typeof SORTS)[number]; label: string }[] = [
  { value: "name", label: "Name, A to Z" },
  { value: "-name", label: "Name, Z to A" },
  { value: "-charge", label: "Charge, most first" },
  { value: "charge", label: "Charge, least first" },
  { value: "-last_active", label: "Last active first" },
  { value: "last_active", label: "Last active at the end" },
  { value: "-created_at", label: "Newest first" },
  { value: "created_at", label: "Oldest first" },
];
const one = <T extends string>(of: readonly T[], value: string | undefined): T | undefined => of.find((candidate) => candidate === value);

const sortedBy = (by: string) => ({ sort: by === "name" ? undefined : by });

export default function Agents() {
  const [query, change] = useQuery();
  const catalogue = useCatalogue();
  const [importing, setImporting] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);

  const deleted = query.deleted === "1";
  const filter = useMemo<Schemas["Conditions"]>(
    () => ({
      status: one(STATUSES, query.status) ?? null,
      industry: query.industry || null,
      model: query.model || null,
      tag: query.tag || null,
      text: query.text || null,
      deleted,
    }),
    [query.status, query.industry, query.model, query.tag, query.text, deleted],
  );
  const sort = one(SORTS, query.sort) ?? "name";
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value)) as Partial<Filters>;
  const pages = usePages("/api/my-agents", { query: { ...given, sort } });
  const filtered = Object.keys(given).length > (deleted ? 1 : 0);
  // Then the empty list offers the same, and a page has one primary button.
  const bare = !pages.loading && !pages.problem && !pages.items.length && !filtered && !deleted;
  const key = JSON.stringify(filter);
  useEffect(() => {
    setChosen(new Set());
    setAll(false);
  }, [key]);

  const clear = () => change({ status: undefined, industry: undefined, model: undefined, tag: undefined, text: undefined });
  const refresh = async () => {
    forget("/api/my-agents", "/api/agents", "/api/dashboard");
    setChosen(new Set());
    setAll(false);
    await pages.reload();
  };
  const columns = useColumns(catalogue, deleted, refresh);
  return (
    <Page
      title="Agents"
      actions={
        may("member") && (
          <>
            <Button onClick={() => setImporting(true)}>Import YAML</Button>
            <Button kind={bare ? "secondary" : "primary"} icon="plus" href={to("/agents/new")}>
              New agent
            </Button>
          </>
        )
      }
    >
      <Filtering query={query} change={change} sort={sort} catalogue={catalogue} deleted={deleted} filtered={filtered} clear={clear} />
      {may("member") && chosen.size > 0 && (
        <Bulk
          ids={[...chosen]}
          all={all}
          filter={filter}
          more={Boolean(pages.more)}
          selectAll={() => {
            setChosen(new Set(pages.items.map((agent) => agent.id)));
            setAll(true);
          }}
          clear={() => {
            setChosen(new Set());
            setAll(false);
          }}
          done={refresh}
          statusOf={(id) => pages.items.find((agent) => agent.id === id)?.status ?? filter.status ?? undefined}
        />
      )}
      <List
        label="Agents"
        pages={pages}
        columns={columns}
        keyOf={(agent) => agent.id}
        nameOf={(agent) => agent.name}
        sorting={{ by: sort, change: (by) => change(sortedBy(by)) }}
        {...(may("member")
          ? {
              selection: {
                chosen,
                change: (next: ReadonlySet<string>) => {
                  setChosen(next);
                  setAll(false);
                },
              },
            }
          : {})}
        empty={<Nothing deleted={deleted} filtered={filtered} clear={clear} />}
      />
      {pages.items.length > 0 && !deleted && <p class="muted">Conversations and charge are of this month, errors and p95 of today: 95 of 100 answers were complete within that time. Pinned agents stand first.</p>}
      {importing && <Import onClose={() => setImporting(false)} />}
    </Page>
  );
}

function Nothing({ deleted, filtered, clear }: { deleted: boolean; filtered: boolean; clear: () => void }) {
  if (filtered)
    return (
      <Empty level={2} title="No agent fits these filters" action={<Button onClick={clear}>Clear filters</Button>}>
        Take one away, or look among the {deleted ? "others" : "deleted ones"}.
      </Empty>
    );
  if (deleted) return <Empty level={2} title="Nothing is deleted">Deleted agents stand here for 30 days and can be restored.</Empty>;
  return (
    <Empty
      level={2}
      title="No agents yet"
      action={
        may("member") && (
          <Button kind="primary" icon="plus" href={to("/agents/new")}>
            New agent
          </Button>
        )
      }
    >
      An agent answers your visitors from what you teach it. The wizard makes the first one in a few minutes.
    </Empty>
  );
}

function Filtering({ query, change, sort, catalogue, deleted, filtered, clear }: { query: Record<string, string>; sort: string; change: ReturnType<typeof useQuery>[1]; catalogue: Catalogue; deleted: boolean; filtered: boolean; clear: () => void }) {
  const [text, setText] = useState(query.text ?? "");
  const fleet = useAgents();
  const wide = useWide();
  // Another filter may be chosen while typing rests.
  const latest = useRef(change);
  latest.current = change;
  useEffect(() => setText(query.text ?? ""), [query.text]);
  useEffect(() => {
    if (text === (query.text ?? "")) return;
    const timer = setTimeout(() => latest.current({ text: text || undefined }), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const tags = [...new Set([...fleet.all.flatMap((agent) => agent.tags), ...(query.tag ? [query.tag] : [])])].sort((a, b) => a.localeCompare(b));
  const used = new Set([...fleet.all.map((agent) => agent.model), query.model ?? ""]);
  const any = (label: string) => ({ value: "", label });
  return (
    <search class="filters" aria-label="Filters">
      <Input type="search" label="Name, tag or note" placeholder="Name, tag or note" maxLength={100} value={text} onInput={setText} />
      <Select label="Status" value={query.status ?? ""} onChange={(status) => change({ status })} options={[any("Any status"), ...STATUSES.map((value) => ({ value, label: value.charAt(0).toUpperCase() + value.slice(1) }))]} />
      <Select label="Industry" value={query.industry ?? ""} onChange={(industry) => change({ industry })} options={[any("Any industry"), ...catalogue.industryOptions]} />
      <Select label="Model" value={query.model ?? ""} onChange={(model) => change({ model })} options={[any("Any model"), ...[...used].filter(Boolean).map((value) => ({ value, label: catalogue.model(value) }))]} />
      {tags.length > 0 && <Select label="Tag" value={query.tag ?? ""} onChange={(tag) => change({ tag })} options={[any("Any tag"), ...tags.map((value) => ({ value, label: value }))]} />}
      {!wide && <Select label="Order" value={sort} onChange={(by) => change(sortedBy(by))} options={ORDERS} />}
      <Checkbox checked={deleted} onChange={(on) => change({ deleted: on ? "1" : undefined })}>
        Deleted
      </Checkbox>
      {filtered && (
        <Button kind="quiet" onClick={clear}>
          Clear filters
        </Button>
      )}
    </search>
  );
}

function useColumns(catalogue: Catalogue, deleted: boolean, refresh: () => Promise<void>): Column<FleetAgent>[] {
  const name: Column<FleetAgent> = {
    id: "name",
    head: "Name",
    card: "title",
    sortable: true,
    cell: (agent) => (
      <div class="agent-name">
        <span class="break">
          {deleted ? (
            <span dir="auto">{agent.name}</span>
          ) : (
            <a href={to(`/agents/${agent.id}`)} dir="auto">
              {agent.name}
            </a>
          )}
          {agent.pinned && (
            <span class="pin" role="img" aria-label="Pinned" title="Pinned">
              <Icon name="pin" size={16} />
            </span>
          )}
        </span>
        <span class="muted break">
          {catalogue.industry(agent.industry)}
          {agent.tags.length > 0 && (
            <>
              {" · "}
              <span dir="auto">{agent.tags.join(", ")}</span>
            </>
          )}
        </span>
      </div>
    ),
  };
  const version: Column<FleetAgent> = { id: "version", head: "Version", card: "detail", number: true, cell: (agent) => (agent.version ? `v${agent.version}` : "–") };
  if (deleted)
    return [
      name,
      version,
      { id: "deleted_at", head: "Deleted", card: "detail", cell: (agent) => ago(agent.deleted_at) },
      { id: "left", head: "Gone for good", card: "detail", cell: (agent) => (agent.deleted_at ? ago(Date.parse(agent.deleted_at) + 30 * 86_400_000) : "–") },
      ...(may("admin") ? [{ id: "restore", head: <span class="hidden">Actions</span>, card: "status" as const, cell: (agent: FleetAgent) => <Restore agent={agent} done={refresh} /> }] : []),
    ];
  return [
    name,
    { id: "status", head: "Status", card: "status", cell: (agent) => <State of={agent.health.state === "failing" && agent.status === "active" ? "failing" : agent.status} /> },
    version,
    { id: "conversations", head: "Conversations", card: "figure", number: true, cell: (agent) => count(agent.month.conversations) },
    { id: "charge", head: `Charge, ${workspace.value?.currency ?? ""}`, card: "figure", number: true, sortable: true, cell: (agent) => amount(agent.month.charge) },
    { id: "errors", head: "Errors", card: "figure", number: true, cell: (agent) => (agent.health.turns ? <span class={agent.health.state === "failing" ? "alarm" : ""}>{count(agent.health.errors)}</span> : "–") },
    { id: "p95", head: "p95", card: "figure", number: true, cell: (agent) => duration(agent.health.latency_p95_ms) },
    { id: "last_active", head: "Last active", card: "detail", number: true, sortable: true, cell: (agent) => (agent.last_active ? ago(agent.last_active) : "never") },
  ];
}

function Restore({ agent, done }: { agent: FleetAgent; done: () => Promise<void> }) {
  const restoring = useAction(async () => {
    await call("post", "/api/my-agents/{agent}/restore", { path: { agent: agent.id } });
    toast(`${agent.name} is back`);
    await done();
  });
  return (
    <div class="stack tight">
      <Button busy={restoring.busy} onClick={() => void restoring.run()}>
        Restore
      </Button>
      {restoring.problem && <ErrorNote problem={restoring.problem} />}
    </div>
  );
}
