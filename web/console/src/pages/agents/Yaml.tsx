/** The draft as its YAML file: written with completion and faults from the schema, saved whole, never over somebody's. */

import { useEffect, useRef, useState } from "preact/hooks";
import { raw, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { forget, type Resource, useAction, useResource } from "../../api/resource";
import type { Editor, Mark } from "../../editor/editor";
import type { Node } from "../../editor/schema";
import { Button, Skeleton } from "../../parts/basics";
import { Dialog, toast } from "../../parts/dialog";
import { ErrorNote } from "../../parts/problem";
import { may } from "../../session/session";
import { useUnsaved } from "../../unsaved";
import { useCatalogue } from "./catalogue";
import { Faults, placed } from "./Faults";
import { download } from "./Life";

interface Stored {
  text: string;
  etag: string | undefined;
}

const fileOf = async (agent: string): Promise<Stored> => {
  const response = await raw("GET", `/api/agents/${encodeURIComponent(agent)}/config`);
  return { text: await response.text(), etag: response.headers.get("ETag") ?? undefined };
};

interface Judged {
  faults: Mark[];
  warnings: Mark[];
  problem: Problem | undefined;
}

export default function Yaml({ agent, draft }: { agent: Schemas["ShownAgent"]; draft: Resource<Schemas["ShownAgent"]> }) {
  const [stored, setStored] = useState<Stored>();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [theirs, setTheirs] = useState<Stored>();
  const editor = useRef<Editor | undefined>(undefined);
  const withdraw = useRef<(() => void) | undefined>(undefined);
  useEffect(() => () => withdraw.current?.(), []);
  const dirty = stored !== undefined && text !== stored.text;
  const judged = useJudged(text, stored !== undefined);
  const path = `/api/agents/${encodeURIComponent(agent.id)}/config`;

  const load = async () => {
    setProblem(undefined);
    const before = editor.current?.text();
    try {
      const file = await fileOf(agent.id);
      // What was typed meanwhile stays, as what was typed before.
      if (editor.current?.text() !== before) return;
      setStored(file);
      setText(file.text);
      if (editor.current && editor.current.text() !== file.text) editor.current.replace(file.text);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  // The draft changed elsewhere (settings, another person): an untouched text follows, a typed one stays and meets 412.
  useEffect(() => {
    if (!dirty) void load();
  }, [agent.updated_at]);

  const saving = useAction(async (base: string | undefined) => {
    const sent = text;
    try {
      const response = await raw("PUT", path, { headers: { "Content-Type": "application/yaml", ...(base ? { "If-Match": base } : {}) }, body: sent });
      const etag = response.headers.get("ETag") ?? undefined;
      draft.put((await response.json()) as Schemas["ShownAgent"], etag);
      setStored({ text: sent, etag });
      setTheirs(undefined);
      forget("/api/my-agents");
      toast("The draft is saved");
    } catch (error) {
      if (asProblem(error).status !== 412) throw error;
      setTheirs(await fileOf(agent.id));
    }
  });
  const save = () => void saving.run(stored?.etag);
  const exporting = useAction(() => download(agent));
  useUnsaved(dirty ? "Leave without saving the YAML?" : undefined, save);

  if (problem && !stored) return <ErrorNote problem={problem} retry={load} />;
  if (!stored) return <Skeleton lines={8} />;
  const refused = saving.problem;
  const jump = (line: number, column: number) => editor.current?.jump(line, column);
  return (
    <div class="stack">
      <div class="row between">
        <span class="muted" role="status">
          {judged.faults.length ? `${judged.faults.length === 1 ? "One fault" : `${judged.faults.length} faults`}: it cannot be saved like this` : dirty ? "Unsaved changes" : "As it is stored"}
        </span>
        <div class="row">
          <Button icon="download" busy={exporting.busy} onClick={() => void exporting.run()}>
            Export YAML
          </Button>
          {may("member") && dirty && (
            <Button
              kind="quiet"
              onClick={() => {
                editor.current?.replace(stored.text);
                withdraw.current = toast("The changes are discarded", () => editor.current?.replace(text));
              }}
            >
              Discard
            </Button>
          )}
          {may("member") && (
            <Button busy={saving.busy} disabled={!dirty && "Nothing has changed"} onClick={save}>
              Save draft
            </Button>
          )}
        </div>
      </div>
      {exporting.problem && <ErrorNote problem={exporting.problem} retry={() => exporting.run()} safe="Nothing was changed." />}
      <Held text={stored.text} editor={editor} onChange={setText} marks={[...judged.faults, ...judged.warnings]} />
      {judged.problem && <ErrorNote problem={judged.problem} safe="The text stays as it is." />}
      {judged.faults.length > 0 && <Faults faults={judged.faults} jump={jump} />}
      {judged.warnings.length > 0 && <Faults warning faults={judged.warnings} jump={jump} />}
      {refused && (refused.errors.length ? !judged.faults.length && <Faults faults={placed(refused.errors)} jump={jump} /> : <ErrorNote problem={refused} retry={save} safe="The text is still here." />)}
      {may("member") && <p class="muted">Ctrl-Space (or typing) completes, Ctrl-S saves, Tab leaves the editor. Comments and order stay as you write them.</p>}
      {theirs && (
        <Both
          theirs={theirs.text}
          mine={text}
          busy={saving.busy}
          onClose={() => setTheirs(undefined)}
          take={() => {
            setStored(theirs);
            setTheirs(undefined);
            editor.current?.replace(theirs.text);
            void draft.reload();
          }}
          keep={() => {
            setStored(theirs);
            void saving.run(theirs.etag);
          }}
        />
      )}
    </div>
  );
}

/** The editor's place; its code comes when it is first opened. */
function Held({ text, editor, onChange, marks }: { text: string; editor: { current: Editor | undefined }; onChange: (text: string) => void; marks: Mark[] }) {
  const host = useRef<HTMLDivElement>(null);
  const [ready, setReady] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const schema = useResource("/api/config/schema").data;
  const { config, industries } = useCatalogue();
  useEffect(() => {
    let gone = false;
    import("../../editor/editor").then(
      ({ createEditor }) => {
        if (gone || !host.current) return;
        editor.current = createEditor(host.current, { text, label: "YAML of the draft", readOnly: !may("member"), onChange });
        setReady(true);
      },
      (error: unknown) => setProblem(asProblem(error)),
    );
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = undefined;
    };
  }, []);
  useEffect(() => {
    if (!ready || !schema) return;
    let gone = false;
    void import("../../editor/schema").then(({ Schema }) => {
      if (gone) return;
      const models = config?.models ?? [];
      const ids = models.map<[string, string]>((model) => [model.id, model.name]);
      const providers = [...new Map(models.map<[string, string]>((model) => [model.provider, model.provider_name]))];
      editor.current?.teach(new Schema(schema as Node), {
        "model/provider": providers,
        "model/id": ids,
        "model/fallback/provider": providers,
        "model/fallback/id": ids,
        "model/thinking": [...new Set(models.flatMap((model) => model.thinking?.levels ?? []))].map((level) => [level, ""]),
        industry: industries.map((industry) => [industry.id, industry.name]),
        languages: (config?.languages ?? []).map((language) => [language.id, language.name]),
      });
    });
    return () => {
      gone = true;
    };
  }, [ready, schema, config, industries]);
  useEffect(() => editor.current?.mark(marks), [ready, JSON.stringify(marks)]);
  return (
    <>
      {problem && <ErrorNote problem={problem} retry={() => location.reload()} />}
      <div ref={host} class="editor" aria-busy={!ready} />
    </>
  );
}

/** What the API says of the text, a moment after the last key. */
function useJudged(text: string, ready: boolean): Judged {
  const [judged, setJudged] = useState<Judged>({ faults: [], warnings: [], problem: undefined });
  useEffect(() => {
    if (!ready) return;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const response = await raw("POST", "/api/agents/config/validate", { headers: { "Content-Type": "application/yaml" }, body: text, signal: stop.signal });
        const { warnings } = (await response.json()) as Schemas["FileCheck"];
        const { placeOf } = await import("../../editor/schema");
        setJudged({ faults: [], problem: undefined, warnings: warnings.map(({ pointer, message }) => ({ ...placeOf(text, pointer), message, severity: "warning" as const })) });
      } catch (error) {
        if (stop.signal.aborted) return;
        const found = asProblem(error);
        const faults = placed(found.errors).map(({ line, column, message, pointer }) => ({ line, column, message: pointer ? `${pointer}: ${message}` : message, severity: "error" as const }));
        setJudged({ faults, warnings: [], problem: faults.length ? undefined : found });
      }
    }, 400);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, ready]);
  return judged;
}

/** 412: the stored file and one's own, side by side, with the lines that differ. */
function Both({ theirs, mine, busy, onClose, take, keep }: { theirs: string; mine: string; busy: boolean; onClose: () => void; take: () => void; keep: () => void }) {
  return (
    <Dialog
      title="Somebody else changed the draft"
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Go on writing</Button>
          <Button onClick={take}>Take theirs</Button>
          <Button kind="primary" busy={busy} onClick={keep}>
            Save mine over it
          </Button>
        </>
      }
    >
      <p>Nothing was overwritten. Lines that the other file does not have are marked.</p>
      <div class="both">
        <Side title="Stored now" text={theirs} other={mine} />
        <Side title="Yours" text={mine} other={theirs} />
      </div>
    </Dialog>
  );
}

function Side({ title, text, other }: { title: string; text: string; other: string }) {
  const known = new Set(other.split("\n"));
  return (
    <section class="stack tight">
      <h3>{title}</h3>
      <pre tabIndex={0} aria-label={title} dir="ltr">
        {text.split("\n").map((line, i) => (known.has(line) ? <span key={i}>{`${line}\n`}</span> : <mark key={i}>{`${line}\n`}</mark>))}
      </pre>
    </section>
  );
}
