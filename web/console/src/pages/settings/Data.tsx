/** Taking everything along, leaving, and closing: the end of a workspace, or of one's part in it. */

import { useEffect, useState } from "preact/hooks";
import { call, newKey, type Schemas } from "../../api/client";
import { forget, useAction, useResource } from "../../api/resource";
import { ago, bytes, count, day, when } from "../../format";
import { Bar, Button, Card, Note, State } from "../../parts/basics";
import { Confirm, toast } from "../../parts/dialog";
import { ErrorNote } from "../../parts/problem";
import { to } from "../../routing";
import { claims, startAnew, workspace } from "../../session/session";
import { Download } from "../exports/Download";
import { reason } from "../exports/kinds";

type Export = Schemas["Export"];
const running = (one: Export | undefined): boolean => one?.state === "queued" || one?.state === "running";

/** Everything as one ZIP; it goes on while nobody looks, and stands here again when one comes back. */
export function WholeExport() {
  const all = useResource("/api/exports", { query: { page_size: 50 } });
  const [made, setMade] = useState<string>();
  const [key, setKey] = useState(newKey);
  const latest = made ?? all.data?.items.find((one) => one.kind === "workspace")?.id;
  const [busy, setBusy] = useState(false);
  const read = useResource("/api/exports/{export}", latest ? { path: { export: latest } } : null, busy ? 2000 : undefined);
  const one = read.data;
  useEffect(() => setBusy(running(one)), [one?.state]);
  const begin = useAction(async () => {
    const { data } = await call("post", "/api/exports", { key, body: { kind: "workspace", format: null, from: null, to: null, agent_id: null } });
    setKey(newKey());
    setMade(data.id);
    forget("/api/exports");
  });
  return (
    <Card title="Take everything along">
      <p>Agents, knowledge, conversations, figures, the books and the audit log, as one ZIP of open formats. It can take a while for a large workspace.</p>
      {one && <Progress one={one} />}
      {begin.problem && <ErrorNote problem={begin.problem} retry={begin.run} />}
      {read.problem && !one && <ErrorNote problem={read.problem} retry={read.reload} />}
      <div class="row">
        {one?.state === "done" && <Download one={one}>{one.bytes !== null && `, ${bytes(one.bytes)}`}</Download>}
        {!running(one) && (
          <Button icon="download" busy={begin.busy} onClick={() => void begin.run()}>
            {one ? "Export again" : "Export the workspace"}
          </Button>
        )}
        <a href={to("/exports")}>All exports</a>
      </div>
    </Card>
  );
}

function Progress({ one }: { one: Export }) {
  if (running(one))
    return (
      <div class="stack tight" role="status">
        <p class="row between">
          <span>{one.state === "queued" ? "It begins in a moment." : `${count(one.rows)}${one.rows_expected ? ` of about ${count(one.rows_expected)}` : ""} rows written`}</span>
          <State of={one.state} />
        </p>
        <Bar plain share={one.rows_expected ? one.rows / one.rows_expected : 0} label="Export" />
        <p class="muted">You can leave this page: it goes on, and the file will be here.</p>
      </div>
    );
  return (
    <div class="stack tight" role="status">
      <p class="row between">
        <span class="break">
          {one.state === "failed" ? `Failed ${ago(one.finished_at)}. ${reason(one.error)}` : `${count(one.rows)} rows, made ${when(one.finished_at)}, kept until ${day(one.expires_at)}`}
        </span>
        <State of={one.state} />
      </p>
    </div>
  );
}

export function Leaving() {
  const [asking, setAsking] = useState(false);
  const me = claims.value?.sub ?? "";
  return (
    <Card title="Leave the workspace">
      <p>You lose your access at once. What you made stays. Only an invitation lets you in again.</p>
      <div class="row">
        <Button onClick={() => setAsking(true)}>Leave workspace</Button>
      </div>
      {asking && (
        <Confirm
          title={`Leave ${workspace.value?.name ?? "the workspace"}?`}
          action="Leave workspace"
          onClose={() => setAsking(false)}
          act={async () => {
            const path = { member: me };
            const { etag } = await call("get", "/api/workspace/members/{member}", { path });
            await call("delete", "/api/workspace/members/{member}", { path, etag });
            startAnew("/workspaces");
          }}
        >
          <p>Your access ends at once, on every device.</p>
        </Confirm>
      )}
    </Card>
  );
}

export function Closing() {
  const mine = useResource("/api/workspace");
  const [asking, setAsking] = useState(false);
  const [key, setKey] = useState(newKey);
  const again = useAction(async () => {
    const { data, etag } = await call("post", "/api/workspace/reopen", { key: newKey() });
    mine.put(data, etag);
    forget("/api/dashboard");
    toast("The workspace is open again");
  });
  const home = mine.data;
  if (!home) return null;
  if (home.state === "closing")
    return (
      <Card title="Closed">
        <Note tone="warning" title={`Everything but the books is erased on ${day(home.erase_at)}`}>
          <p>No agent answers any more. Until then it can be opened again, as it was.</p>
        </Note>
        {again.problem && <ErrorNote problem={again.problem} retry={again.run} />}
        <div class="row">
          <Button kind="primary" busy={again.busy} onClick={() => void again.run()}>
            Reopen workspace
          </Button>
        </div>
      </Card>
    );
  return (
    <Card title="Close the workspace">
      <p>All agents stop at once. For 30 days it can be opened again; then everything but the books is erased. What was used until now is still billed: closed in the first days of a month, the workspace stays a few days longer, until that bill is final.</p>
      <div class="row">
        <Button kind="danger" onClick={() => setAsking(true)}>
          Close workspace
        </Button>
      </div>
      {asking && (
        <Confirm
          title={`Close ${home.name}?`}
          action="Close workspace"
          typed={home.name}
          onClose={() => setAsking(false)}
          act={async () => {
            const { data, etag } = await call("post", "/api/workspace/close", { key, body: { name: home.name } });
            setKey(newKey());
            mine.put(data, etag);
            forget("/api/dashboard", "/api/my-agents");
          }}
        >
          <p>Agents and widgets stop at once, for every visitor. After 30 days, or a few more if a bill is not final by then, agents, knowledge, conversations and figures are erased for good. Export the workspace first if you want to keep them.</p>
        </Confirm>
      )}
    </Card>
  );
}
