/** Step 1: what kind of business it is. The first time, going on makes the draft. */

import { call, type Schemas } from "../../api/client";
import { forget, useAction, useHere, useResource } from "../../api/resource";
import { forgetKept, keyOf, useKept } from "../../kept";
import { Badge } from "../../parts/basics";
import { Field, Input } from "../../parts/fields";
import { ErrorNote, Loaded } from "../../parts/problem";
import { go, withQuery } from "../../routing";
import { workspace } from "../../session/session";
import { takeIndustry } from "./draft";
import { Frame } from "./Frame";
import { Picks } from "./Picks";
import type { StepProps } from "./Wizard";

const optionsOf = (industries: Schemas["ShownIndustry"][]) =>
  industries.map((one) => ({
    value: one.id,
    title: one.name,
    body: one.description,
    ...(one.regulated ? { aside: <Badge tone="info">Regulated</Badge> } : {}),
  }));

/** Another industry, for a draft that is there. */
export function Industry({ industries, form }: StepProps) {
  const now = industries.find((one) => one.id === form.values.industry);
  return (
    <div class="stack">
      <Picks label="Industry" value={form.values.industry} options={optionsOf(industries)} onChange={(id) => takeIndustry(form, now, industries.find((one) => one.id === id)!)} />
      <p class="muted">Another industry brings its own goals and rules in place of the proposed ones. What you wrote yourself stays.</p>
    </div>
  );
}

export function FirstIndustry() {
  const industries = useResource("/api/industries");
  const [chosen, choose] = useKept<string>("wizard.new.industry", "");
  const [typed, setTyped] = useKept<string | null>("wizard.new.business", null);
  const business = typed ?? workspace.value?.name ?? "";
  const here = useHere();
  const making = useAction(async () => {
    const name = business.trim();
    const body = { name: name ? `${name.slice(0, 70)} assistant` : "Assistant", industry: chosen, business: { name } };
    const { data } = await call("post", "/api/agents", { key: keyOf("wizard.new.key", body), body });
    forgetKept("wizard.new.");
    forget("/api/my-agents", "/api/dashboard");
    if (here()) go(withQuery(`/agents/new/${data.id}`, { step: "goals" }), { replace: true });
  });
  const { problem } = making;
  return (
    <Frame step="industry" ready={false} goTo={() => undefined} next={{ label: "Next: Goals and tone", act: () => void making.run(), busy: making.busy, disabled: chosen ? undefined : "Choose an industry first" }}>
      <Field label="Name of your business" hint="The agent speaks for it." error={problem?.at("/business/name")}>
        <Input value={business} onInput={setTyped} maxLength={120} autoComplete="organization" />
      </Field>
      <Loaded from={industries} lines={8}>
        {(data) => <Picks label="Industry" value={chosen} onChange={choose} options={optionsOf(data.items)} />}
      </Loaded>
      {problem && <ErrorNote problem={problem} safe="Your choice is still here, also after a reload." />}
      {!chosen && <p class="muted">Choose an industry to go on. “Any business” fits every one.</p>}
    </Frame>
  );
}

