/** Step 6: the prompt as the model reads it, what a careful colleague would say about it, the file, and Publish. */

import { useEffect, useState } from "preact/hooks";
import { raw } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { useAction, useHere } from "../../api/resource";
import { count, tokens } from "../../format";
import { Button, Code, Note, Skeleton } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, TextArea } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { to } from "../../routing";
import { About } from "../agents/About";
import { said } from "../agents/warnings";
import { stepAt } from "./draft";
import { Part } from "./Goals";
import type { WishProps } from "./Look";
import { usePreview } from "./preview";
import { originsOf, publish, type Stage } from "./publish";
import type { StepProps } from "./Wizard";

const SECTIONS: Record<string, string> = { must_do: "What it must do", must_not_do: "What it must not do", hand_off: "Hand-off", tone: "Tone", notice: "Notice" };
const sectionOf = (name: string) => SECTIONS[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replace(/_/g, " ");

const STAGES: Record<Stage, string> = { publish: "Publishing the draft", activate: "Letting it answer", widget: "Making the widget" };

export interface Publishing {
  run: () => Promise<boolean>;
  busy: boolean;
  problem: Problem | undefined;
  stage: string | undefined;
  /** What is no address of a site. */
  wrong: string[];
}

export function usePublishing({ agent, form, reload, wish }: Pick<StepProps, "agent" | "form" | "reload"> & Pick<WishProps, "wish">, done: (widget: string) => void): Publishing {
  const [stage, setStage] = useState<Stage>();
  const { origins, wrong } = originsOf(wish.sites);
  const here = useHere();
  const { run, busy, problem } = useAction(async () => {
    if (form.dirty.length && !(await form.save())) return;
    let widget: string;
    try {
      widget = await publish(agent, wish.theme, origins, setStage);
    } finally {
      await reload();
      setStage(undefined);
    }
    if (here()) done(widget);
    else toast(`${agent.name} is published`);
  });
  return { run, busy, problem, stage: stage && STAGES[stage], wrong };
}

export function Review({ agent, config, goTo, wish, setWish, publishing }: StepProps & WishProps & { publishing: Publishing }) {
  const preview = usePreview(agent);
  const { wrong, stage } = publishing;
  const warnings = preview.data?.warnings ?? [];
  return (
    <div class="stack loose">
      <Part title="Worth a look">
        {preview.problem && !preview.data ? (
          <ErrorNote problem={preview.problem} retry={preview.reload} />
        ) : !preview.data ? (
          <Skeleton />
        ) : warnings.length ? (
          <>
            <p class="muted">None of this keeps you from publishing.</p>
            <ul class="feed warnings">
              {said(warnings, agent.definition).map((one) => {
                const { warning } = one;
                const step = stepAt(warning.pointer, warning.code);
                return (
                  <li key={`${warning.code}${warning.pointer}`}>
                    <About {...one} />
                    {step ? (
                      <Button kind="quiet" onClick={() => goTo(step)}>
                        {step === "knowledge" ? "Teach it" : "Change"}
                        <span class="hidden">: {warning.message}</span>
                      </Button>
                    ) : (
                      <a href={to(`/agents/${agent.id}`, { tab: "prompt" })}>Change</a>
                    )}
                  </li>
                );
              })}
            </ul>
          </>
        ) : (
          <Note tone="success">Nothing stands out: goals, rules, knowledge and model fit together.</Note>
        )}
      </Part>
      <Part title="Put it on your site">
        <Field
          label="Your site"
          optional
          hint={`One address a line. Only pages of these sites may open the chat. This console (${location.host}) is added, so that you can try it at once.`}
          error={wrong.length ? `This is no address of a site: ${wrong.join(", ")}` : publishing.problem?.at("/allowed_origins")}
        >
          <TextArea rows={2} value={wish.sites} placeholder="www.example.com" onInput={(sites) => setWish((now) => ({ ...now, sites }))} />
        </Field>
        {publishing.problem && <Failed problem={publishing.problem} agent={agent.id} retry={() => publishing.run()} />}
        <p class="muted" role="status">
          {stage ? `${stage}…` : "Publish lets visitors talk to it. You can pause it at any time."}
        </p>
      </Part>
      <Part title="The prompt">
        {preview.data && (
          <>
            <p class="muted">
              About {tokens(preview.data.tokens)}, read by the model at every turn. Advised are up to {count(config.limits.prompt_tokens_advised)}.
            </p>
            <div class="stack tight">
              {preview.data.sections.map((section) => (
                <details key={section.name} class="section">
                  <summary>
                    <span class="grow">{sectionOf(section.name)}</span>
                    <span class="number muted">{tokens(section.tokens)}</span>
                  </summary>
                  <pre class="break" dir="auto">
                    {section.text}
                  </pre>
                </details>
              ))}
            </div>
          </>
        )}
        <File agent={agent.id} version={agent.updated_at} />
      </Part>
    </div>
  );
}

function Failed({ problem, agent, retry }: { problem: Problem; agent: string; retry: () => unknown }) {
  if (problem.code.startsWith("checks_"))
    return (
      <Note tone="warning" title={problem.title} role="alert">
        <p>{problem.detail}</p>
        <a href={to(`/agents/${agent}`, { tab: "checks" })}>Go to the checks</a>
      </Note>
    );
  return <ErrorNote problem={problem} retry={retry} safe="Your draft is safe. Trying again goes on where it stopped and makes nothing twice." />;
}

/** The draft as a YAML file, read when it is opened. */
function File({ agent, version }: { agent: string; version: string }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const read = async () => {
    setProblem(undefined);
    try {
      setText(await (await raw("GET", `/api/agents/${encodeURIComponent(agent)}/config`)).text());
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  useEffect(() => {
    if (open) void read();
  }, [open, version]);
  return (
    <details class="section" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="grow">As a YAML file</span>
      </summary>
      {problem ? <ErrorNote problem={problem} retry={read} /> : text === undefined ? open && <Skeleton /> : <Code text={text} label="The agent as YAML" />}
    </details>
  );
}
