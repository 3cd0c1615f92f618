/** Step 5: the name, the first words and the colours that visitors meet. */

import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { Field, Input, Lines, TextArea } from "../../parts/fields";
import { Loaded } from "../../parts/problem";
import { Part } from "./Goals";
import { Picks } from "./Picks";
import type { StepProps, Wish } from "./Wizard";

export interface WishProps {
  wish: Wish;
  setWish: (change: Wish | ((now: Wish) => Wish)) => void;
}

export function Look({ form, wish, setWish }: StepProps & WishProps) {
  const templates = useResource("/api/templates");
  const { values, set, error } = form;
  return (
    <div class="stack loose">
      <Part title="Words">
        <Field label="Name of the agent" hint="Visitors read “name, AI assistant”." error={error("name")} pointer="/name" onBlur={() => form.touch("name")}>
          <Input value={values.name} maxLength={80} onInput={(next) => set("name", next)} />
        </Field>
        <Field label="Greeting" error={error("greeting")} pointer="/greeting" onBlur={() => form.touch("greeting")}>
          <TextArea rows={2} value={values.greeting} maxLength={600} onInput={(next) => set("greeting", next)} />
        </Field>
        <Field label="Suggested questions" optional hint="One a line; visitors see the first four and can tap them." error={error("sample_questions")} pointer="/sample_questions">
          <Lines value={values.sample_questions} rows={4} onChange={(next) => set("sample_questions", next.slice(0, 8))} />
        </Field>
      </Part>
      <Part title="Theme">
        <p class="muted">Light and dark follow the visitor's device. Colours, corners and place can be changed later, under Widgets.</p>
        <Loaded from={templates}>
          {(data) => (
            <Picks
              label="Theme"
              value={wish.theme}
              onChange={(name) => setWish((now) => ({ ...now, theme: data.items.find((one) => one.name === name)?.name ?? now.theme }))}
              options={data.items.map((one) => ({
                value: one.name,
                title: one.title,
                body: (
                  <>
                    <span class="theme-pair">
                      <Sketch of={one} colours={one.light} />
                      <Sketch of={one} colours={one.dark} />
                    </span>
                    <span class="block">{one.description}</span>
                  </>
                ),
              }))}
            />
          )}
        </Loaded>
      </Part>
    </div>
  );
}

/** A chat in these colours, drawn: the API's own picture is a string, and this page takes no markup from strings. */
function Sketch({ of: theme, colours }: { of: Schemas["Template"]; colours: Record<string, string> }) {
  const r = theme.radius / 2;
  return (
    <svg viewBox="0 0 160 100" aria-hidden="true">
      <rect x="0.5" y="0.5" width="159" height="99" rx={r + 2} fill={colours.surface} stroke={colours.border} />
      <circle cx="14" cy="12" r="6" fill={colours.accent} />
      <rect x="25" y="10" width="44" height="4" rx="2" fill={colours.text} />
      <rect x="8" y="28" width="92" height="24" rx={r} fill={colours.bubble} />
      <rect x="15" y="35" width="74" height="3" rx="1.5" fill={colours.text} />
      <rect x="15" y="42" width="52" height="3" rx="1.5" fill={colours.text} />
      <rect x="86" y="57" width="66" height="15" rx={r} fill={colours.accent} />
      <rect x="94" y="63" width="50" height="3" rx="1.5" fill={colours["on-accent"]} />
      <rect x="8" y="79" width="144" height="14" rx={r} fill={colours.surface} stroke={colours.control} />
      <rect x="15" y="84.5" width="42" height="3" rx="1.5" fill={colours.muted} />
    </svg>
  );
}
