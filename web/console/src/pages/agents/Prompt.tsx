/** The system prompt that the draft makes: by section with its tokens, and what a careful colleague would notice. */

import { useEffect, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { plural, share, tokens } from "../../format";
import { Bar, Card, Copy, Note, Skeleton } from "../../parts/basics";
import { ErrorNote } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";
import { About } from "./About";
import { useCatalogue } from "./catalogue";
import { said } from "./warnings";

type Preview = Schemas["functions__agents__preview__Preview"];

export default function Prompt({ agent }: { agent: Schemas["ShownAgent"] }) {
  const [shown, setShown] = useState<Preview>();
  const [problem, setProblem] = useState<Problem>();
  const load = async (signal?: AbortSignal) => {
    setProblem(undefined);
    try {
      const { data } = await call("post", "/api/agents/prompt-preview", { body: { agent_id: agent.id, definition: agent.definition }, ...(signal ? { signal } : {}) });
      setShown(data);
    } catch (error) {
      if (!signal?.aborted) setProblem(asProblem(error));
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    if (may("member")) void load(stop.signal);
    return () => stop.abort();
  }, [agent]);
  if (!may("member")) return <Published agent={agent} />;
  if (problem && !shown) return <ErrorNote problem={problem} retry={() => load()} />;
  if (!shown) return <Skeleton lines={8} />;
  return (
    <div class="grid">
      <div class="span-8 stack">
        {shown.sections.map((section) => (
          <Card
            key={section.name}
            id={`section-${slug(section.name)}`}
            title={title(section.name)}
            aside={<span class="muted number">{tokens(section.tokens)}</span>}
          >
            <pre class="prompt break" dir="auto">
              {section.text}
            </pre>
          </Card>
        ))}
      </div>
      <div class="span-4 stack">
        <Size preview={shown} />
        <Warnings agent={agent} warnings={shown.warnings} />
      </div>
    </div>
  );
}

const slug = (name: string) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
const title = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replace(/_/g, " ");

function Size({ preview }: { preview: Preview }) {
  const advised = useCatalogue().config?.limits.prompt_tokens_advised;
  return (
    <Card title="Tokens" aside={<Copy text={preview.text} label="Copy prompt" />}>
      <div>
        <div class="figure">~{tokens(preview.tokens)}</div>
        <p class="muted">Every turn pays for them, knowledge and conversation beside{advised ? `; ${share(preview.tokens / advised)} of the ${tokens(advised)} that are advised` : ""}.</p>
      </div>
      <ul class="stack tight">
        {preview.sections.map((section) => (
          <li key={section.name} class="rank">
            <button type="button" class="jump plain-jump break" onClick={() => document.getElementById(`section-${slug(section.name)}`)?.scrollIntoView({ block: "center" })}>
              {title(section.name)}
            </button>
            <span class="number">{section.tokens}</span>
            <Bar plain share={preview.tokens ? section.tokens / preview.tokens : 0} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Warnings({ agent, warnings }: { agent: Schemas["ShownAgent"]; warnings: Preview["warnings"] }) {
  return (
    <Card title="Worth a look" aside={warnings.length > 0 && <span class="muted">{plural(warnings.length, "warning")}</span>}>
      {!warnings.length && <p class="muted">Nothing. Missing names, rules that contradict each other, and what the knowledge does not answer would stand here.</p>}
      {said(warnings, agent.definition).map((one) => {
        const { code, pointer } = one.warning;
        const unknown = code.endsWith("_without_knowledge");
        return (
          <Note key={`${code}${pointer}`} tone="warning">
            <p>
              <About {...one} />
            </p>
            <a href={to(`/agents/${agent.id}`, unknown ? { tab: "knowledge" } : { tab: "settings", field: pointer })}>{unknown ? "Add knowledge" : "Change it"}</a>
          </Note>
        );
      })}
    </Card>
  );
}

/** Who may only look sees the prompt that visitors meet. */
function Published({ agent }: { agent: Schemas["ShownAgent"] }) {
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    if (!agent.published) return;
    call("get", "/api/agents/{agent}/versions/{version}", { path: { agent: agent.id, version: agent.published.id } }).then(
      ({ data }) => setText(data.prompt),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }, [agent.published?.id]);
  if (!agent.published) return <p class="muted">The draft's prompt is shown to those who may change it; nothing is published yet.</p>;
  if (problem) return <ErrorNote problem={problem} />;
  if (text === undefined) return <Skeleton lines={8} />;
  return (
    <Card title={`Prompt of v${agent.published.number}`} aside={<Copy text={text} label="Copy prompt" />}>
      <pre class="prompt break" dir="auto">
        {text}
      </pre>
    </Card>
  );
}
