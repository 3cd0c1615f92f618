/** Around every step: where one is, the form, the chat beside it, and the way on and back. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Bar, Button } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import { Page } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { to } from "../../routing";
import { type DraftForm, type Step, STEPS } from "./draft";
import { TryButton } from "./Try";

export interface FrameProps {
  step: Step;
  name?: string;
  form?: DraftForm;
  /** Whether there is a draft, so that other steps can be opened. */
  ready: boolean;
  goTo: (step: Step) => void;
  /** The chat: beside the form where there is room for it, else behind "Try it". */
  beside?: ComponentChildren;
  /** What Next does, where it is not "save and show the next step". */
  next?: { label: string; act: () => void; busy: boolean; disabled?: string | undefined };
  children: ComponentChildren;
}

const HINTS: Record<Step, string> = {
  industry: "It brings goals, rules and words to begin with. You can change all of them.",
  goals: "Filled in for your industry. Read it once; change what is not you.",
  model: "It writes the answers. Begin with the one that is chosen; you can change it at any time.",
  knowledge: "Answers come from what stands here. A few true sentences are enough to begin with.",
  look: "How visitors see it.",
  review: "What the agent is told, and the way to your site.",
};

export function Frame({ step, name, form, ready, goTo, beside, next, children }: FrameProps) {
  const room = useRoom();
  const at = STEPS.findIndex((one) => one.id === step);
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useLayoutEffect(() => {
    // A step is read from its name on, and its first field is one Tab away.
    if (!first.current) heading.current?.focus({ preventScroll: true });
    if (!first.current) scrollTo({ top: 0 });
    first.current = false;
  }, [step]);
  const [before, after] = [STEPS[at - 1], STEPS[at + 1]];
  const label = STEPS[at]!.label;
  return (
    <Page title={name ?? "New agent"} above={<a href={to("/agents")}>Agents</a>}>
      <nav class="wizard-steps" aria-label="Steps">
        <ol>
          {STEPS.map((one, i) => {
            const words = (
              <>
                <span class="dot" aria-hidden="true">
                  {i < at ? <Icon name="check" size={16} /> : i + 1}
                </span>
                {one.label}
              </>
            );
            return (
              <li key={one.id} class={i < at ? "done" : ""}>
                {ready || i === 0 ? (
                  <a href={`#${location.hash.slice(1).split("?")[0]}?step=${one.id}`} aria-current={i === at ? "step" : undefined} onClick={(event) => (event.preventDefault(), goTo(one.id))}>
                    {words}
                  </a>
                ) : (
                  <span class="later">{words}</span>
                )}
              </li>
            );
          })}
        </ol>
        <div class="short">
          <span class="label">
            {at + 1} of {STEPS.length}
          </span>
          <Bar plain share={(at + 1) / STEPS.length} />
        </div>
      </nav>
      <div class={`wizard${beside && room ? " two" : ""}`}>
        <div class="stack loose">
          <div class="stack tight">
            <h2 ref={heading} tabIndex={-1}>
              {label}
            </h2>
            <p class="muted">{HINTS[step]}</p>
          </div>
          {children}
          {form?.problem && <ErrorNote problem={form.problem} safe="What you typed is still here, also after a reload." />}
          <div class="wizard-foot">
            {before && (
              <Button icon="back" onClick={() => goTo(before.id)}>
                Back
              </Button>
            )}
            <span class="grow muted saved" role="status">
              {form && (form.busy ? "Saving" : form.dirty.length ? "Not saved yet" : "Saved")}
            </span>
            {beside && !room && <TryButton beside={beside} />}
            {next ? (
              <Button kind="primary" busy={next.busy} disabled={next.disabled} onClick={next.act}>
                {next.label}
              </Button>
            ) : (
              after && (
                <Button kind="primary" busy={form?.busy ?? false} onClick={() => goTo(after.id)}>
                  Next: {after.label}
                </Button>
              )
            )}
          </div>
        </div>
        {beside && room && <div class="wizard-try">{beside}</div>}
      </div>
    </Page>
  );
}

const roomy = matchMedia("(min-width: 1100px)");

function useRoom(): boolean {
  const [matches, setMatches] = useState(roomy.matches);
  useEffect(() => {
    const changed = () => setMatches(roomy.matches);
    roomy.addEventListener("change", changed);
    return () => roomy.removeEventListener("change", changed);
  }, []);
  return matches;
}
