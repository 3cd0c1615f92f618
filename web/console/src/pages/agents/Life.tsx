/** An agent's beginnings and ends: a duplicate, its file, its deletion with 30 days to come back. */

import { useState } from "preact/hooks";
import { call, raw, type Schemas } from "../../api/client";
import { asShown } from "../../api/problem";
import { forget, useAction, useHere, useResource } from "../../api/resource";
import { useKey } from "../../api/wish";
import { count, plural } from "../../format";
import { Button } from "../../parts/basics";
import { Confirm, Dialog, toast } from "../../parts/dialog";
import { Field, Input } from "../../parts/fields";
import { Submit } from "../../parts/form";
import { ErrorNote } from "../../parts/problem";
import { go } from "../../routing";

type Shown = Pick<Schemas["ShownAgent"], "id" | "name">;

export function Duplicate({ agent, onClose }: { agent: Shown; onClose: () => void }) {
  const [name, setName] = useState(`${agent.name} (copy)`.slice(0, 80));
  const key = useKey(name.trim());
  const here = useHere();
  const copying = useAction(async () => {
    const { data } = await call("post", "/api/my-agents/{agent}/duplicate", { path: { agent: agent.id }, body: { name: name.trim() || null }, key });
    forget("/api/my-agents", "/api/dashboard");
    toast(`${data.name} is made`);
    if (!here()) return;
    onClose();
    go(`/agents/${data.id}`);
  });
  return (
    <Dialog
      title={`Duplicate ${agent.name}`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={copying.busy} onClick={() => void copying.run()}>
            Duplicate agent
          </Button>
        </>
      }
    >
      <Submit onSubmit={() => void copying.run()}>
        <Field label="Name of the copy" error={copying.problem?.at("/name")}>
          <Input value={name} onInput={setName} maxLength={80} autoFocus />
        </Field>
      </Submit>
      <p class="muted">It gets the draft, the file and the knowledge of this moment. It is not published and answers nobody yet.</p>
      {copying.problem && !copying.problem.at("/name") && <ErrorNote problem={copying.problem} retry={() => copying.run()} />}
    </Dialog>
  );
}

export function Delete({ agent, onClose, done }: { agent: Shown; onClose: () => void; done: () => void }) {
  const fleet = useResource("/api/my-agents/{agent}", { path: { agent: agent.id } });
  const widgets = useResource("/api/widgets", { query: { page_size: 100 } });
  const used = widgets.data?.items.filter((widget) => widget.agent_id === agent.id).length ?? 0;
  return (
    <Confirm
      title={`Delete ${agent.name}?`}
      action={`Delete ${agent.name.slice(0, 40)}`}
      onClose={onClose}
      act={async () => {
        // What stands here is what is deleted: of somebody's change in between the person reads first.
        const path = { agent: agent.id };
        await asShown(async () => call("delete", "/api/my-agents/{agent}", { path, etag: fleet.etag ?? (await call("get", "/api/my-agents/{agent}", { path })).etag }), fleet.reload);
        forget("/api/my-agents", "/api/dashboard");
        done();
        toast(`${agent.name} is deleted; it can be restored for 30 days`, async () => {
          await call("post", "/api/my-agents/{agent}/restore", { path: { agent: agent.id } });
          forget("/api/my-agents", "/api/agents", "/api/dashboard");
          go(`/agents/${agent.id}`);
        });
      }}
    >
      <p>
        It stops answering at once
        {fleet.data ? `; this month it had ${plural(fleet.data.month.conversations, "conversation")}` : ""}
        {used ? `, and ${plural(used, "widget")} ${used === 1 ? "speaks" : "speak"} for it` : ""}. For {count(30)} days it can be restored as it is; then its draft, versions and knowledge are gone.
      </p>
      <p class="muted">Conversations and invoices stay.</p>
    </Confirm>
  );
}

/** Save the draft's file. */
export async function download(agent: Shown): Promise<void> {
  const response = await raw("GET", `/api/agents/${encodeURIComponent(agent.id)}/config`);
  save(await response.blob(), `${agent.name.replace(/[^\p{L}\p{N}_-]+/gu, "-").toLowerCase() || "agent"}.yaml`);
}

export function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
