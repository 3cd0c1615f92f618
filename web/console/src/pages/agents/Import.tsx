/** A new agent from a YAML file: chosen, dropped or pasted; faults name line and column. */

import { useRef, useState } from "preact/hooks";
import { newKey, raw, type Schemas } from "../../api/client";
import { forget, useAction, useHere } from "../../api/resource";
import { Button } from "../../parts/basics";
import { Dialog, leaving, toast } from "../../parts/dialog";
import { Field, TextArea } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { go } from "../../routing";
import { Faults } from "./Faults";

const EXAMPLE = "name: Mia\nindustry: dental\nmodel:\n  provider: vertexai\n  id: gemini-3.8-flash";

export function Import({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [key, setKey] = useState(newKey);
  const file = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const change = (next: string) => {
    setText(next);
    setKey(newKey());
    importing.clear();
  };
  const here = useHere();
  const importing = useAction(async () => {
    const response = await raw("POST", "/api/agents/import", { headers: { "Content-Type": "application/yaml", "Idempotency-Key": key }, body: text });
    const made = (await response.json()) as Schemas["ShownAgent"];
    forget("/api/my-agents", "/api/agents", "/api/dashboard");
    toast(`${made.name} is made`);
    if (!here()) return;
    onClose();
    go(`/agents/${made.id}`);
  });
  const faults = importing.problem?.errors ?? [];
  const leave = leaving(Boolean(text.trim()), onClose);
  return (
    <Dialog
      title="Import YAML"
      wide
      onClose={leave}
      footer={
        <>
          <Button onClick={leave}>Cancel</Button>
          <Button kind="primary" busy={importing.busy} disabled={!text.trim() && "Choose a file or paste its text"} onClick={() => void importing.run()}>
            Import agent
          </Button>
        </>
      }
    >
      <p class="muted">The file of an agent, as “Export YAML” gives it. It becomes a new agent; nothing is published by this.</p>
      <input
        ref={file}
        type="file"
        class="hidden"
        accept=".yaml,.yml,application/yaml,text/yaml"
        tabIndex={-1}
        aria-label="YAML file"
        onChange={async (event) => {
          const [found] = event.currentTarget.files ?? [];
          event.currentTarget.value = "";
          if (found) change(await found.text());
        }}
      />
      <div
        ref={box}
        class="stack tight mono-field"
        onDragOver={(event) => event.preventDefault()}
        onDrop={async (event) => {
          const [found] = event.dataTransfer?.files ?? [];
          if (!found) return;
          event.preventDefault();
          change(await found.text());
        }}
      >
        <div class="row">
          <Button icon="up" onClick={() => file.current?.click()}>
            Choose a file
          </Button>
          <span class="muted">or paste the text below</span>
        </div>
        <Field label="YAML">
          <TextArea rows={14} value={text} onInput={change} placeholder={EXAMPLE} />
        </Field>
      </div>
      {faults.length > 0 ? (
        <Faults
          faults={faults}
          jump={(line, column) => {
            const area = box.current?.querySelector("textarea");
            if (!area) return;
            const start = text.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
            area.focus();
            area.setSelectionRange(start, start + 1);
          }}
        />
      ) : (
        importing.problem && <ErrorNote problem={importing.problem} safe="The text is still here." />
      )}
    </Dialog>
  );
}
