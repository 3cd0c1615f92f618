/** What an agent knows: its items, new ones, and a trial search that shows what a question would find. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { forget, type Resource, usePages } from "../../api/resource";
import { drop, takenAlong } from "../../asked";
import { ago, bytes, count, plural } from "../../format";
import { Badge, Button, Card, Empty, Note } from "../../parts/basics";
import { Confirm, Menu } from "../../parts/dialog";
import { type Column, List } from "../../parts/table";
import { useQuery } from "../../routing";
import { may } from "../../session/session";
import { useCatalogue } from "./catalogue";
import { forgetItem } from "./forgetting";
import { ItemFile, ItemForm } from "./KnowledgeItem";
import { Trial } from "./KnowledgeTrial";

type Listed = Schemas["ListedItem"];

export const KINDS: Record<Listed["kind"], string> = { qa: "Q&A", text: "Text", markdown: "Markdown", html: "Web page", pdf: "PDF" };

export default function Knowledge({ agent, draft }: { agent: Schemas["ShownAgent"]; draft: Resource<Schemas["ShownAgent"]> }) {
  const [query, change] = useQuery();
  const pages = usePages("/api/agents/{agent}/knowledge", { path: { agent: agent.id } });
  const { config } = useCatalogue();
  const [deleting, setDeleting] = useState<Listed>();
  const [warning, setWarning] = useState<string>();
  const close = () => {
    drop(agent.id);
    change({ item: undefined, add: undefined });
  };
  const changed = async (written?: Schemas["WrittenItem"]) => {
    setWarning(written?.warning ?? undefined);
    forget("/api/agents/{agent}/knowledge", "/api/my-agents");
    await Promise.all([pages.reload(), draft.reload()]);
  };
  const most = config?.limits.knowledge_items ?? 500;
  const full = (agent.knowledge.items ?? 0) >= most ? `An agent knows at most ${count(most)} items` : undefined;
  const add = (kind: string) => {
    drop(agent.id);
    change({ add: kind, item: undefined }, true);
  };
  const adding = may("member") && (
    <div class="row">
      <Button kind="secondary" icon="plus" disabled={full} onClick={() => add("qa")}>
        Add Q&A
      </Button>
      <Menu
        label="Add something else"
        icon="expand"
        items={[
          { label: "Add text", onSelect: () => add("text") },
          { label: "Add Markdown", onSelect: () => add("markdown") },
          { label: "Add a file (PDF, HTML, Markdown, text)", onSelect: () => add("file") },
        ]}
      >
        More
      </Menu>
    </div>
  );
  return (
    <div class="grid">
      <div class="span-8 stack">
        <div class="row between">
          <p class="muted">
            {plural(agent.knowledge.items ?? 0, "item")}, {plural(agent.knowledge.passages ?? 0, "passage")}. Changes count at once, without publishing.
          </p>
          {pages.items.length > 0 && adding}
        </div>
        {full && <Note tone="warning">{full}. Join some of them, or delete what is old.</Note>}
        {warning && (
          <Note tone="warning" role="status">
            {warning}
          </Note>
        )}
        <List
          label="Knowledge"
          pages={pages}
          columns={columns((item) => change({ item: item.id, add: undefined }, true), setDeleting)}
          keyOf={(item) => item.id}
          current={query.item}
          empty={
            <Empty title="It knows nothing of you yet" action={adding}>
              Without knowledge it can only be polite. Begin with the questions that people ask most.
            </Empty>
          }
        />
      </div>
      <div class="span-4 stack">
        <Card title="What would it find?">
          <Trial agent={agent} open={(item) => change({ item, add: undefined }, true)} />
        </Card>
      </div>
      {query.item && <ItemForm key={query.item} agent={agent.id} item={query.item} onClose={close} done={changed} />}
      {query.add === "file" && may("member") && <ItemFile agent={agent.id} most={config?.limits.knowledge_file_bytes} onClose={close} done={changed} />}
      {(query.add === "qa" || query.add === "text" || query.add === "markdown") && may("member") && <ItemForm key={query.add} agent={agent.id} kind={query.add} question={takenAlong(agent.id)} onClose={close} done={changed} />}
      {deleting && (
        <Confirm
          title={`Delete “${deleting.title}”?`}
          action="Delete item"
          onClose={() => setDeleting(undefined)}
          act={async () => {
            await forgetItem(agent.id, deleting, (now) => {
              setDeleting(now);
              void pages.reload();
            });
            await changed();
          }}
        >
          <p>
            {plural(deleting.passages, "passage")}, {bytes(deleting.bytes)}. The agent forgets it from the next turn on, and it cannot be brought back.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function columns(open: (item: Listed) => void, remove: (item: Listed) => void): Column<Listed>[] {
  return [
    {
      id: "title",
      head: "Title",
      card: "title",
      cell: (item) => (
        <button type="button" class="jump plain-jump break" dir="auto" onClick={() => open(item)}>
          {item.title}
        </button>
      ),
    },
    {
      id: "kind",
      head: "Kind",
      card: "status",
      cell: (item) => (
        <span class="row">
          <Badge icon="book">{KINDS[item.kind]}</Badge>
          {!item.embedded && <Badge tone="warning">By words only</Badge>}
        </span>
      ),
    },
    { id: "passages", head: "Passages", card: "figure", number: true, cell: (item) => count(item.passages) },
    { id: "bytes", head: "Size", card: "figure", number: true, cell: (item) => bytes(item.bytes) },
    { id: "updated_at", head: "Changed", card: "detail", number: true, cell: (item) => ago(item.updated_at) },
    ...(may("member") ? [{ id: "delete", head: <span class="hidden">Delete</span>, card: "detail" as const, cell: (item: Listed) => <Button kind="quiet" icon="trash" label={`Delete ${item.title}`} onClick={() => remove(item)} /> }] : []),
  ];
}
