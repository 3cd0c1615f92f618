/** Step 4: what the agent knows: questions with answers, text, files; and what a question would find. */

import { useState } from "preact/hooks";
import { call, type Loose, newKey, raw, type Schemas } from "../../api/client";
import { forget, useAction, useResource } from "../../api/resource";
import { forgetKept, keyOf, useKept } from "../../kept";
import { bytes, plural } from "../../format";
import { Badge, Button, Empty, Note } from "../../parts/basics";
import { Confirm, toast } from "../../parts/dialog";
import { Field, Input, Segments, TextArea } from "../../parts/fields";
import { ErrorNote, Loaded } from "../../parts/problem";
import { forgetItem } from "../agents/forgetting";
import { Part } from "./Goals";
import type { StepProps } from "./Wizard";

const KINDS: Record<string, string> = { qa: "Questions and answers", text: "Text", markdown: "Markdown", html: "Web page", pdf: "PDF" };
type Way = "qa" | "text" | "file";

export function Knowledge({ agent, config, industries, form, reload }: StepProps) {
  const items = useResource("/api/agents/{agent}/knowledge", { path: { agent: agent.id }, query: { page_size: 100 } });
  const [way, setWay] = useKept<Way>(`wizard.${agent.id}.way`, "qa");
  const [going, setGoing] = useState<Schemas["ListedItem"]>();
  const [warning, setWarning] = useState<string>();
  const ideas = industries.find((one) => one.id === form.values.industry)?.knowledge_ideas ?? [];
  const changed = async (warned?: string | null) => {
    setWarning(warned ?? undefined);
    forget(`/api/agents/{agent}/knowledge`);
    await reload();
  };
  const added = async (item: Schemas["WrittenItem"]) => {
    toast(`The agent knows “${item.title}”`);
    await changed(item.warning);
  };
  return (
    <div class="stack loose">
      <Part title="Teach it something">
        {ideas.length > 0 && <p class="muted">Visitors ask about: {ideas.map((idea) => idea.charAt(0).toLowerCase() + idea.slice(1)).join("; ")}.</p>}
        <Segments
          label="Kind of knowledge"
          value={way}
          onChange={(next) => setWay(next as Way)}
          options={[
            { value: "qa", label: "Question and answer" },
            { value: "text", label: "Text" },
            { value: "file", label: "File" },
          ]}
        />
        {way === "qa" && <Pairs agent={agent.id} added={added} />}
        {way === "text" && <Text agent={agent.id} added={added} />}
        {way === "file" && <FromFile agent={agent.id} added={added} most={config.limits.knowledge_file_bytes} />}
      </Part>
      <Part title="What it knows">
        {warning && (
          <Note tone="warning" role="status">
            {warning}
          </Note>
        )}
        <Loaded from={items}>
          {(data) =>
            data.items.length ? (
              <ul class="feed">
                {data.items.map((item) => (
                  <li key={item.id}>
                    <span class="break">
                      <strong dir="auto">{item.title}</strong>
                      <span class="muted block">
                        {KINDS[item.kind] ?? item.kind}, {bytes(item.bytes)}, {plural(item.passages, "passage")}
                        {!item.embedded && ", found by its words"}
                      </span>
                    </span>
                    <Button kind="quiet" icon="trash" label={`Delete ${item.title}`} onClick={() => setGoing(item)} />
                  </li>
                ))}
              </ul>
            ) : (
              <Empty title="Nothing yet">Without knowledge the agent only knows what the prompt says, and offers a person for the rest.</Empty>
            )
          }
        </Loaded>
      </Part>
      <Part title="Ask as a visitor would">
        <Search agent={agent.id} />
      </Part>
      {going && (
        <Confirm
          title={`Delete “${going.title}”?`}
          action="Delete item"
          onClose={() => setGoing(undefined)}
          act={async () => {
            await forgetItem(agent.id, going, (now) => {
              setGoing(now);
              void items.reload();
            });
            await changed();
          }}
        >
          <p>
            {plural(going.passages, "passage")} of {bytes(going.bytes)} go at once, for visitors, too. It cannot be brought back.
          </p>
        </Confirm>
      )}
    </div>
  );
}

interface Adding {
  agent: string;
  added: (item: Schemas["WrittenItem"]) => Promise<void>;
}

function useAdding(agent: string, added: Adding["added"], body: () => Loose<Schemas["NewItem"]>, clear: () => void) {
  return useAction(async () => {
    const sent = body();
    const { data } = await call("post", "/api/agents/{agent}/knowledge", { path: { agent }, key: keyOf(`wizard.${agent}.know`, sent), body: sent });
    // The same said again, after it was deleted, is another wish.
    forgetKept(`wizard.${agent}.know`);
    clear();
    await added(data);
  });
}

const EMPTY = { question: "", answer: "" };

function Pairs({ agent, added }: Adding) {
  const [pairs, setPairs] = useKept(`wizard.${agent}.pairs`, [EMPTY]);
  const whole = pairs.filter((pair) => pair.question.trim() && pair.answer.trim());
  const half = pairs.some((pair) => Boolean(pair.question.trim()) !== Boolean(pair.answer.trim()));
  const adding = useAdding(
    agent,
    added,
    () => ({ kind: "qa", title: whole[0]!.question.trim().slice(0, 120), pairs: whole.map((pair) => ({ question: pair.question.trim(), answer: pair.answer.trim() })) }),
    () => setPairs([EMPTY]),
  );
  const set = (i: number, change: Partial<typeof EMPTY>) => setPairs((now) => now.map((pair, n) => (n === i ? { ...pair, ...change } : pair)));
  return (
    <div class="stack">
      {pairs.map((pair, i) => (
        <div key={i} class="qa" role="group" aria-label={`Question ${i + 1}`}>
          <Field label="Question" error={adding.problem?.at(`/pairs/${i}/question`)}>
            <Input value={pair.question} placeholder="When are you open?" maxLength={500} onInput={(question) => set(i, { question })} />
          </Field>
          <Field label="Answer" error={adding.problem?.at(`/pairs/${i}/answer`)}>
            <TextArea rows={2} value={pair.answer} placeholder="Monday to Friday from 8 to 18." onInput={(answer) => set(i, { answer })} />
          </Field>
          {pairs.length > 1 && <Button kind="quiet" icon="close" label={`Take away question ${i + 1}`} onClick={() => setPairs((now) => now.filter((_, n) => n !== i))} />}
        </div>
      ))}
      {adding.problem && <ErrorNote problem={adding.problem} safe="What you typed is still here." />}
      <div class="row">
        <Button icon="plus" onClick={() => setPairs((now) => [...now, EMPTY])}>
          Another question
        </Button>
        <Button busy={adding.busy} disabled={whole.length ? half && "One question has no answer, or the other way round" : "Write a question and its answer first"} onClick={() => void adding.run()}>
          {whole.length > 1 ? `Add ${whole.length} answers` : "Add answer"}
        </Button>
        {half && whole.length > 0 && <span class="muted">One question has no answer yet.</span>}
      </div>
    </div>
  );
}

function Text({ agent, added }: Adding) {
  const [typed, setTyped] = useKept(`wizard.${agent}.text`, { title: "", text: "" });
  const adding = useAdding(
    agent,
    added,
    () => ({ kind: "markdown", title: typed.title.trim(), text: typed.text }),
    () => setTyped({ title: "", text: "" }),
  );
  return (
    <div class="stack">
      <Field label="Title" hint="Answers name it as their source." error={adding.problem?.at("/title")}>
        <Input value={typed.title} placeholder="Prices 2026" maxLength={200} onInput={(title) => setTyped((now) => ({ ...now, title }))} />
      </Field>
      <Field label="Text" hint="Plain text or Markdown. Headings help to find the right part." error={adding.problem?.at("/text")}>
        <TextArea rows={8} value={typed.text} onInput={(text) => setTyped((now) => ({ ...now, text }))} />
      </Field>
      {adding.problem && <ErrorNote problem={adding.problem} safe="What you typed is still here." />}
      <div class="row">
        <Button busy={adding.busy} disabled={!(typed.title.trim() && typed.text.trim()) && "Write a title and a text first"} onClick={() => void adding.run()}>
          Add text
        </Button>
      </div>
    </div>
  );
}

const TYPES: Record<string, string> = { md: "text/markdown", markdown: "text/markdown", txt: "text/plain", pdf: "application/pdf", html: "text/html", htm: "text/html" };

function FromFile({ agent, added, most }: Adding & { most: number }) {
  const [file, setFile] = useState<File>();
  const [key, setKey] = useState(newKey);
  const type = TYPES[file?.name.split(".").pop()?.toLowerCase() ?? ""];
  const wrong = file && (!type ? "It is none of .md, .txt, .pdf, .html." : file.size > most ? `It has ${bytes(file.size)}; ${bytes(most)} are possible.` : undefined);
  const adding = useAction(async () => {
    const title = encodeURIComponent(file!.name.replace(/\.[^.]+$/, "").slice(0, 200));
    const response = await raw("POST", `/api/agents/${encodeURIComponent(agent)}/knowledge/files?title=${title}`, { headers: { "Content-Type": type!, "Idempotency-Key": key }, body: file! });
    setFile(undefined);
    setKey(newKey());
    await added((await response.json()) as Schemas["WrittenItem"]);
  });
  return (
    <div class="stack">
      <Field label="File" hint={`.md, .txt, .pdf or .html, up to ${bytes(most)}. A scan without text cannot be read.`} error={wrong}>
        <Chooser file={file} choose={(next) => (setFile(next), setKey(newKey()), adding.clear())} />
      </Field>
      {adding.problem && <ErrorNote problem={adding.problem} safe="The file is still chosen." />}
      <div class="row">
        <Button busy={adding.busy} disabled={!file ? "Choose a file first" : wrong} onClick={() => void adding.run()}>
          Add file
        </Button>
      </div>
    </div>
  );
}

function Chooser({ file, choose }: { file: File | undefined; choose: (file: File | undefined) => void }) {
  // Once the file is sent its name must go from the field as well.
  return <input key={file ? "one" : "none"} class="input" type="file" aria-label="File" accept=".md,.markdown,.txt,.pdf,.html,.htm" onChange={(event) => choose(event.currentTarget.files?.[0])} />;
}

function Search({ agent }: { agent: string }) {
  const [question, setQuestion] = useState("");
  const [found, setFound] = useState<{ of: string; passages: Schemas["FoundPassage"][] }>();
  const searching = useAction(async () => {
    const { data } = await call("post", "/api/agents/{agent}/knowledge/search", { path: { agent }, body: { question: question.trim() } });
    setFound({ of: question.trim(), passages: data.items });
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (question.trim()) void searching.run();
      }}
    >
      <Field label="Question" hint="Shows what the agent would find. Searching here charges nothing." error={searching.problem?.at("/question")}>
        <Input type="search" value={question} placeholder="Are you open on Saturday?" maxLength={1000} onInput={setQuestion} />
      </Field>
      <div class="row">
        <Button submit icon="search" busy={searching.busy} disabled={!question.trim() && "Write a question first"}>
          Search
        </Button>
      </div>
      {searching.problem && !searching.problem.at("/question") && <ErrorNote problem={searching.problem} retry={() => searching.run()} />}
      <div role="status">
        {found && !found.passages.length && <p class="muted">Nothing is found for “{found.of}”. The agent would say so and offer a person.</p>}
        {found && found.passages.length > 0 && (
          <ol class="stack tight">
            {found.passages.map((passage, i) => (
              <li key={i} class="passage">
                <div class="row between">
                  <strong class="break" dir="auto">
                    {passage.title}
                  </strong>
                  <Badge tone={passage.evidence >= 1 ? "success" : "neutral"}>{passage.evidence >= 1 ? "Answers it" : "Only near"}</Badge>
                </div>
                <p class="break" dir="auto">
                  {passage.text}
                </p>
              </li>
            ))}
          </ol>
        )}
      </div>
    </form>
  );
}
