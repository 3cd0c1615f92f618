/** One item of knowledge in a dialog: pairs of question and answer, a text, or a file. */

import { useState } from "preact/hooks";
import { call, type Loose, raw, type Schemas } from "../../api/client";
import { asProblem, asShown } from "../../api/problem";
import { useAction, useHere, useResource } from "../../api/resource";
import { useKey } from "../../api/wish";
import { bytes } from "../../format";
import { Button, Note } from "../../parts/basics";
import { Dialog, leaving, toast } from "../../parts/dialog";
import { Field, Input, Select, TextArea } from "../../parts/fields";
import { Loaded, ErrorNote } from "../../parts/problem";
import { may } from "../../session/session";
import { useCatalogue } from "./catalogue";

type Kind = Schemas["NewItem"]["kind"];
type Written = Schemas["WrittenItem"];

interface Common {
  agent: string;
  onClose: () => void;
  done: (written?: Written) => Promise<void>;
}

/** `question`: what the first pair of a new item asks. */
export function ItemForm({ agent, item, kind = "qa", question = "", onClose, done }: Common & { item?: string; kind?: Kind; question?: string }) {
  const stored = useResource("/api/agents/{agent}/knowledge/{item}", item ? { path: { agent, item } } : null);
  if (!item) return <Editor agent={agent} kind={kind} question={question} onClose={onClose} done={done} />;
  if (!stored.data)
    return (
      <Dialog title="Knowledge" wide onClose={onClose}>
        <Loaded from={stored}>{() => null}</Loaded>
      </Dialog>
    );
  if (stored.data.kind === "pdf" || stored.data.kind === "html" || !may("member")) return <Reader item={stored.data} agent={agent} etag={stored.etag} reread={stored.reload} onClose={onClose} done={done} />;
  return <Editor agent={agent} kind={stored.data.kind} item={stored.data} etag={stored.etag} onClose={onClose} done={done} />;
}

function Editor({ agent, kind, item, question = "", etag, onClose, done }: Common & { kind: Kind; item?: Schemas["Item"]; question?: string; etag?: string | undefined }) {
  const [title, setTitle] = useState(item?.title ?? "");
  const [language, setLanguage] = useState(item?.language ?? "");
  const [text, setText] = useState(item?.text ?? "");
  const [pairs, setPairs] = useState(item?.pairs?.length ? item.pairs : [{ question, answer: "" }]);
  const [base, setBase] = useState(etag);
  const [theirs, setTheirs] = useState<Schemas["Item"]>();
  const path = { agent, item: item?.id ?? "" };
  const first = pairs.find((pair) => pair.question.trim())?.question.trim() ?? "";
  const body: Loose<Schemas["NewItem"]> = {
    kind,
    title: title.trim() || first.slice(0, 300) || "Untitled",
    language,
    ...(kind === "qa" ? { pairs: pairs.filter((pair) => pair.question.trim() || pair.answer.trim()) } : { text }),
  };
  const key = useKey(body);
  const here = useHere();
  const saving = useAction(async () => {
    try {
      const { data } = item
        ? await call("put", "/api/agents/{agent}/knowledge/{item}", { path, body, etag: base })
        : await call("post", "/api/agents/{agent}/knowledge", { path: { agent }, body, key });
      if (here()) onClose();
      else toast(`${data.title} is saved`);
      await done(data);
    } catch (error) {
      if (item && asProblem(error).status === 412) {
        const now = await call("get", "/api/agents/{agent}/knowledge/{item}", { path });
        setBase(now.etag);
        setTheirs(now.data);
      } else throw error;
    }
  });
  const empty = kind === "qa" ? !body.pairs?.length : !text.trim();
  const was = JSON.stringify([item?.title ?? "", item?.language ?? "", kind === "qa" ? (item?.pairs ?? (question ? [{ question, answer: "" }] : [])) : (item?.text ?? "")]);
  const dirty = JSON.stringify([title, language, kind === "qa" ? (body.pairs ?? []) : text]) !== was;
  const leave = leaving(dirty, onClose);
  const words = { qa: "questions and answers", text: "a text", markdown: "Markdown", html: "a web page" }[kind];
  const errors = saving.problem;
  return (
    <Dialog
      title={item ? item.title : `Add ${words}`}
      wide
      onClose={leave}
      footer={
        <>
          <Button onClick={leave}>Cancel</Button>
          <Button kind="primary" busy={saving.busy} disabled={empty && (kind === "qa" ? "Write a question and its answer" : "Write the text first")} onClick={() => void saving.run()}>
            {item ? "Save item" : "Add item"}
          </Button>
        </>
      }
    >
      {theirs && <Conflict theirs={theirs} take={(now) => (setTitle(now.title), setLanguage(now.language), setText(now.text ?? ""), setPairs(now.pairs ?? []), setTheirs(undefined))} keep={() => setTheirs(undefined)} />}
      <div class="item-head">
        <Field label="Title" optional={kind === "qa"} pointer="/title" error={errors?.at("/title")} hint={kind === "qa" ? "Empty: the first question. Visitors see it as the source." : "Visitors see it as the source."}>
          <Input value={title} onInput={setTitle} maxLength={300} autoFocus={!question} />
        </Field>
        <Language value={language} change={setLanguage} />
      </div>
      {kind === "qa" ? (
        <Pairs pairs={pairs} change={setPairs} answering={question !== ""} error={(pointer) => errors?.at(pointer)} />
      ) : (
        <Field label={kind === "markdown" ? "Markdown" : "Text"} pointer="/text" error={errors?.at("/text")} hint={`${bytes(new TextEncoder().encode(text).length)} of 1 MB. It is cut into passages of a few hundred words${kind === "markdown" ? ", at its headings first" : ""}.`}>
          <TextArea rows={14} value={text} onInput={setText} />
        </Field>
      )}
      {errors && !errors.errors.length && <ErrorNote problem={errors} retry={() => saving.run()} safe="What you typed is still here." />}
    </Dialog>
  );
}

function Language({ value, change }: { value: string; change: (value: string) => void }) {
  const languages = useCatalogue().config?.languages ?? [];
  const known = languages.some((one) => one.id === value) || !value;
  return (
    <Field label="Language" optional>
      <Select value={value} onChange={change} options={[{ value: "", label: "Any" }, ...(known ? [] : [{ value, label: value }]), ...languages.map((one) => ({ value: one.id, label: one.name }))]} />
    </Field>
  );
}

function Pairs({ pairs, change, answering, error }: { pairs: Schemas["Pair"][]; answering: boolean; change: (pairs: Schemas["Pair"][]) => void; error: (pointer: string) => string | undefined }) {
  const set = (at: number, next: Partial<Schemas["Pair"]>) => change(pairs.map((pair, i) => (i === at ? { ...pair, ...next } : pair)));
  return (
    <ol class="stack">
      {pairs.map((pair, i) => (
        <li key={i} class="pair">
          <Field label={`Question${pairs.length > 1 ? ` ${i + 1}` : ""}`} pointer={`/pairs/${i}/question`} error={error(`/pairs/${i}/question`)}>
            <Input value={pair.question} onInput={(question) => set(i, { question })} />
          </Field>
          <Field label={`Answer${pairs.length > 1 ? ` ${i + 1}` : ""}`} pointer={`/pairs/${i}/answer`} error={error(`/pairs/${i}/answer`)}>
            <TextArea rows={3} autoFocus={answering && i === 0} value={pair.answer} onInput={(answer) => set(i, { answer })} />
          </Field>
          {pairs.length > 1 && <Button kind="quiet" icon="trash" label={`Remove question ${i + 1}`} onClick={() => change(pairs.filter((_, at) => at !== i))} />}
        </li>
      ))}
      <li class="row">
        <Button icon="plus" onClick={() => change([...pairs, { question: "", answer: "" }])}>
          Another question
        </Button>
      </li>
    </ol>
  );
}

const content = (item: Schemas["Item"]) => (item.pairs ?? []).map((pair) => `${pair.question}\n${pair.answer}`).join("\n\n") || (item.text ?? "");

function Conflict({ theirs, take, keep }: { theirs: Schemas["Item"]; take: (item: Schemas["Item"]) => void; keep: () => void }) {
  return (
    <Note tone="warning" role="alert" title="Somebody else changed this item">
      <p>Nothing was overwritten. This is what is stored now; yours is below.</p>
      <pre class="prompt passage break" dir="auto" tabIndex={0} aria-label="Stored now">
        {theirs.title}
        {"\n\n"}
        {content(theirs)}
      </pre>
      <div class="row">
        <Button onClick={() => take(theirs)}>Take theirs</Button>
        <Button onClick={keep}>Keep mine, then save</Button>
      </div>
    </Note>
  );
}

/** What came from a file, or what a viewer may only read. */
function Reader({ item, agent, etag, reread, onClose, done }: Common & { item: Schemas["Item"]; etag: string | undefined; reread: () => Promise<void> }) {
  const [replacing, setReplacing] = useState(false);
  const fromFile = item.kind === "pdf" || item.kind === "html";
  if (replacing) return <ItemFile agent={agent} replace={{ item, etag, reread }} onClose={onClose} done={done} />;
  return (
    <Dialog
      title={item.title}
      wide
      onClose={onClose}
      footer={
        <>
          {fromFile && may("member") && <Button onClick={() => setReplacing(true)}>Replace by a new file</Button>}
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      {fromFile && <p class="muted">The text that was read out of the {item.kind === "pdf" ? "PDF" : "page"}; the agent knows this.</p>}
      <pre class="prompt break" dir="auto" tabIndex={0} aria-label="Content">
        {content(item).replaceAll("\f", "\n\n― next page ―\n\n")}
      </pre>
    </Dialog>
  );
}

const TYPES: Record<string, string> = { pdf: "application/pdf", html: "text/html", htm: "text/html", md: "text/markdown", markdown: "text/markdown", txt: "text/plain" };
const typeOf = (name: string) => TYPES[name.split(".").at(-1)?.toLowerCase() ?? ""];

/** `replace`: the item that the file takes the place of, and how to read it again. */
export function ItemFile({ agent, most = 4_000_000, replace, onClose, done }: Common & { most?: number | undefined; replace?: { item: Schemas["Item"]; etag: string | undefined; reread: () => Promise<void> } }) {
  const [file, setFile] = useState<File>();
  // What was not typed here is as it is stored, also when that changes.
  const [typed, setTitle] = useState<string>();
  const [chosen, setLanguage] = useState<string>();
  const title = typed ?? replace?.item.title ?? "";
  const language = chosen ?? replace?.item.language ?? "";
  const key = useKey([file?.name, file?.size, file?.lastModified, title.trim(), language]);
  const wrong = file && !typeOf(file.name) ? "Only PDF, HTML, Markdown and plain text can be read." : file && file.size > most ? `It has ${bytes(file.size)}; at most ${bytes(most)} can be read.` : undefined;
  const here = useHere();
  const sending = useAction(async () => {
    if (!file || wrong) return;
    const query = new URLSearchParams();
    if (title.trim()) query.set("title", title.trim());
    if (language) query.set("language", language);
    const base = `/api/agents/${encodeURIComponent(agent)}/knowledge`;
    const type = typeOf(file.name)!;
    const response = replace
      ? await asShown(() => raw("PUT", `${base}/${encodeURIComponent(replace.item.id)}/file?${query}`, { headers: { "Content-Type": type, ...(replace.etag ? { "If-Match": replace.etag } : {}) }, body: file }), replace.reread)
      : await raw("POST", `${base}/files?${query}`, { headers: { "Content-Type": type, "Idempotency-Key": key }, body: file });
    const written = (await response.json()) as Written;
    if (here()) onClose();
    else toast(`${written.title} is saved`);
    await done(written);
  });
  return (
    <Dialog
      title={replace ? `Replace ${replace.item.title}` : "Add a file"}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={sending.busy} disabled={!file ? "Choose a file first" : wrong} onClick={() => void sending.run()}>
            {replace ? "Replace item" : "Add file"}
          </Button>
        </>
      }
    >
      <Field label="File" hint={`PDF, HTML, Markdown or text, up to ${bytes(most)}. Scanned pages without text cannot be read.`} error={wrong}>
        <FileInput
          choose={(next) => {
            setFile(next);
            // PDFs and pages name themselves; of a text only its file's name is known.
            if (next && !title && /\.(md|markdown|txt)$/i.test(next.name)) setTitle(next.name.replace(/\.[^.]+$/, ""));
            sending.clear();
          }}
        />
      </Field>
      <Field label="Title" optional hint="Empty: the document's own." error={sending.problem?.at("/title")}>
        <Input value={title} onInput={setTitle} maxLength={300} />
      </Field>
      <Language value={language} change={setLanguage} />
      {sending.problem && !sending.problem.at("/title") && <ErrorNote problem={sending.problem} retry={() => sending.run()} safe={replace ? "Nothing was replaced." : "Nothing was added."} />}
    </Dialog>
  );
}

function FileInput({ choose }: { choose: (file: File | undefined) => void }) {
  return <input type="file" class="input" aria-label="File" accept=".pdf,.html,.htm,.md,.markdown,.txt" onChange={(event) => choose(event.currentTarget.files?.[0])} />;
}
