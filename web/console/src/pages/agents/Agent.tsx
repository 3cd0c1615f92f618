/** One agent: whether it answers, what is published, and its tabs. */

import "../../styles/agents.css";
import type { ComponentChildren } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useRef, useState } from "preact/hooks";
import { call, newKey, type Schemas } from "../../api/client";
import { asShown, type Problem } from "../../api/problem";
import { forget, type Resource, useAction, useResource } from "../../api/resource";
import { useKey } from "../../api/wish";
import { Badge, Button, Note, Skeleton, State } from "../../parts/basics";
import { Dialog, Menu, toast } from "../../parts/dialog";
import { Switch } from "../../parts/fields";
import { Page, Tabs } from "../../parts/page";
import { Pane } from "../../parts/pane";
import { ErrorNote } from "../../parts/problem";
import { goUnasked, to, useQuery, withQuery } from "../../routing";
import { may } from "../../session/session";
import { Delete, Duplicate, download } from "./Life";
import { Overview } from "./Overview";

interface PaneProps {
  agent: Schemas["ShownAgent"];
  /** The draft with its ETag, which changes with draft, version and knowledge. */
  draft: Resource<Schemas["ShownAgent"]>;
  fleet: Resource<Schemas["FleetAgent"]>;
  status: Resource<Schemas["functions__my_agents__models__Status"]>;
}

const Prompt = lazy(() => import("./Prompt"));
const Knowledge = lazy(() => import("./Knowledge"));
const Playground = lazy(() => import("./Playground"));
const Versions = lazy(() => import("./Versions"));
const Yaml = lazy(() => import("./Yaml"));
const Checks = lazy(() => import("../checks/Checks"));
const Settings = lazy(() => import("./Settings"));

/** `kept`: once opened it stays, out of sight, so that another tab loses nothing of what was typed or said. */
const TABS: { id: string; label: string; kept?: boolean; pane: (props: PaneProps) => ComponentChildren }[] = [
  { id: "overview", label: "Overview", pane: ({ agent, fleet, status }) => <Overview agent={agent} fleet={fleet} status={status} /> },
  { id: "prompt", label: "Prompt", pane: ({ agent }) => <Prompt agent={agent} /> },
  { id: "knowledge", label: "Knowledge", pane: ({ agent, draft }) => <Knowledge agent={agent} draft={draft} /> },
  { id: "playground", kept: true, label: "Playground", pane: ({ agent }) => <Playground agent={agent} /> },
  { id: "versions", label: "Versions", pane: ({ agent, draft }) => <Versions agent={agent} draft={draft} /> },
  { id: "yaml", kept: true, label: "YAML", pane: ({ agent, draft }) => <Yaml agent={agent} draft={draft} /> },
  { id: "checks", label: "Checks", pane: ({ agent }) => <Checks agent={agent.id} /> },
  { id: "settings", kept: true, label: "Settings", pane: ({ agent, draft, fleet }) => <Settings agent={agent} draft={draft} fleet={fleet} /> },
];

export default function Agent({ agent }: { agent: string }) {
  // What was typed to one agent, or said to it, must not stand in another's page.
  return <One key={agent} id={agent} />;
}

function One({ id }: { id: string }) {
  const [query] = useQuery();
  const draft = useResource("/api/agents/{agent}", { path: { agent: id } });
  const fleet = useResource("/api/my-agents/{agent}", { path: { agent: id } });
  const status = useResource("/api/my-agents/{agent}/status", { path: { agent: id } });
  const tabs = TABS.filter((one) => one.id !== "playground" || may("member"));
  const tab = tabs.find((one) => one.id === query.tab) ?? tabs[0]!;
  const opened = useRef(new Set<string>());
  opened.current.add(tab.id);
  const agent = draft.data;
  if (!agent)
    return (
      <Page title="Agent" above={<Back />}>
        {draft.problem ? <ErrorNote problem={draft.problem} retry={draft.reload} /> : <Skeleton lines={8} />}
      </Page>
    );
  return (
    <Page
      title={agent.name}
      above={<Back />}
      badge={<Standing agent={agent} status={status.data?.status} />}
      actions={<Actions agent={agent} draft={draft} fleet={fleet} status={status} />}
      tabs={<Tabs label="Parts of the agent" current={tab.id} tabs={tabs.map((one) => ({ id: one.id, label: one.label, href: withQuery(`/agents/${id}`, { tab: one.id === "overview" ? undefined : one.id }) }))} />}
    >
      {draft.problem && <ErrorNote problem={draft.problem} retry={draft.reload} safe="What you see is from before." />}
      {tabs
        .filter((one) => one === tab || (one.kept && opened.current.has(one.id)))
        .map((one) => (
          <Pane key={one.id} hidden={one !== tab}>
            <Suspense fallback={<Skeleton lines={6} />}>{one.pane({ agent, draft, fleet, status })}</Suspense>
          </Pane>
        ))}
    </Page>
  );
}

function Back() {
  return (
    <a href={to("/agents")}>Agents</a>
  );
}

function Standing({ agent, status }: { agent: Schemas["ShownAgent"]; status: string | undefined }) {
  return (
    <span class="row">
      {status && <State of={status} />}
      {!agent.published ? <Badge>Not published yet</Badge> : agent.unpublished_changes ? <Badge tone="warning" icon="edit">Draft differs from v{agent.published.number}</Badge> : <Badge icon="check">v{agent.published.number}, nothing to publish</Badge>}
    </span>
  );
}

type Wanted = "active" | "paused" | "archived";

function Actions({ agent, draft, fleet, status }: PaneProps) {
  const [open, setOpen] = useState<"duplicate" | "delete" | "gate">();
  const [gate, setGate] = useState<Problem>();
  const refresh = async () => {
    forget("/api/my-agents", "/api/dashboard");
    await Promise.all([draft.reload(), fleet.reload(), status.reload()]);
  };
  const put = async (wanted: Wanted, etag: string | undefined) => {
    const got = await asShown(() => call("put", "/api/my-agents/{agent}/status", { path: { agent: agent.id }, body: { status: wanted }, etag }), status.reload);
    status.put(got.data, got.etag);
    forget("/api/dashboard", "/api/my-agents");
  };
  const setting = useAction(async (wanted: Wanted) => {
    const before = state?.status;
    await put(wanted, status.etag);
    if (wanted !== "archived") return;
    toast(`${agent.name} is archived`, async () => {
      // Out of the archive it comes paused: if it answered, there is one step more to go.
      for (const step of before === "active" ? (["paused", "active"] as const) : (["paused"] as const)) {
        const now = await call("get", "/api/my-agents/{agent}/status", { path: { agent: agent.id } });
        if (now.data.status !== step) await put(step, now.etag);
      }
    });
  });
  // Another draft is another wish, and so is asking once more after the gate.
  const [tries, setTries] = useState(0);
  const key = useKey([draft.etag, tries]);
  const publishing = useAction(async (acceptFailing: boolean) => {
    const before = agent.published;
    const { data } = await call("post", "/api/agents/{agent}/publish", { path: { agent: agent.id }, query: acceptFailing ? { accept_failing: true } : {}, key });
    setTries((n) => n + 1);
    setOpen(undefined);
    forget(`/api/agents/{agent}/versions`);
    await refresh();
    toast(
      `Version ${data.number} is published`,
      before
        ? async () => {
            await call("post", "/api/agents/{agent}/rollback", { path: { agent: agent.id }, body: { version: before.id }, key: newKey() });
            forget(`/api/agents/{agent}/versions`);
            await refresh();
          }
        : undefined,
    );
  });
  const publish = async (acceptFailing = false) => {
    await publishing.run(acceptFailing);
  };
  const problem = publishing.problem;
  // The gate of the test cases is a question, not an error.
  if (problem && (problem.code === "checks_failing" || problem.code === "checks_not_run") && problem !== gate) {
    setGate(problem);
    setOpen("gate");
    setTries(tries + 1);
  }
  const exporting = useAction(() => download(agent));
  const state = status.data;
  const on = state?.status === "active";
  const cannot = !agent.published && state?.status === "draft" ? "Publish it first: visitors talk to a published version only" : undefined;
  const same = agent.published && !agent.unpublished_changes ? `The draft is what v${agent.published.number} says` : undefined;
  return (
    <>
      {may("member") && state && state.status !== "archived" && (
        <span class="row answering" title={cannot}>
          <Switch label="Answers visitors" checked={on} disabled={Boolean(cannot)} onChange={(next) => setting.run(next ? "active" : "paused")} />
          <span aria-hidden="true">{on ? "Answers visitors" : "Silent"}</span>
        </span>
      )}
      {may("member") && (
        <Button kind="primary" busy={publishing.busy} disabled={same} onClick={() => void publish()}>
          Publish
        </Button>
      )}
      <Menu
        label="More"
        items={[
          may("member") && { label: "Duplicate", onSelect: () => setOpen("duplicate") },
          { label: "Export YAML", onSelect: () => void exporting.run() },
          { label: "Conversations", href: to("/conversations", { agent: agent.id }) },
          may("member") && state?.allowed.includes("archived") && { label: "Archive", onSelect: () => void setting.run("archived") },
          may("member") && state?.status === "archived" && { label: "Take out of the archive", onSelect: () => void setting.run("paused") },
          may("admin") && { label: "Delete", danger: true, onSelect: () => setOpen("delete") },
        ]}
      />
      {setting.problem && (
        <Told onClose={setting.clear} title="The status did not change">
          <ErrorNote problem={setting.problem} />
        </Told>
      )}
      {exporting.problem && (
        <Told onClose={exporting.clear} title="The file could not be fetched">
          <ErrorNote problem={exporting.problem} retry={() => exporting.run()} safe="Nothing was changed." />
        </Told>
      )}
      {problem && problem !== gate && (
        <Told onClose={publishing.clear} title="Nothing was published">
          <ErrorNote problem={problem} retry={() => publish()} />
        </Told>
      )}
      {open === "gate" && gate && (
        <Dialog
          title={gate.title}
          onClose={() => setOpen(undefined)}
          footer={
            <>
              <Button href={to(`/agents/${agent.id}`, { tab: "checks" })} onClick={() => setOpen(undefined)}>
                Open the checks
              </Button>
              <Button kind="danger" busy={publishing.busy} onClick={() => void publish(true)}>
                Publish all the same
              </Button>
            </>
          }
        >
          <p>{gate.detail}</p>
          <Note tone="warning">Visitors would meet this draft from their next message on. You can go back to {agent.published ? `v${agent.published.number}` : "a paused agent"} at any time.</Note>
        </Dialog>
      )}
      {open === "duplicate" && <Duplicate agent={agent} onClose={() => setOpen(undefined)} />}
      {open === "delete" && (
        <Delete
          agent={agent}
          onClose={() => setOpen(undefined)}
          done={() => goUnasked("/agents", { from: `/agents/${agent.id}` })}
        />
      )}
    </>
  );
}

function Told({ title, children, onClose }: { title: string; children: ComponentChildren; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      {children}
    </Dialog>
  );
}
