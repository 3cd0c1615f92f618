/** Step 3: which model answers, where it runs, and what a thousand conversations would cost. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { count, money, rate, share } from "../../format";
import { Badge, Button, Note } from "../../parts/basics";
import { ASSUMED, costOf } from "./cost";
import { Picks } from "./Picks";
import { usePreview } from "./preview";
import type { StepProps } from "./Wizard";

const REGIONS: Record<string, string> = { global: "worldwide", us: "United States", eu: "European Union", "*": "any region" };
const FEW = 6;

export function Model({ agent, form, config }: StepProps) {
  const [all, setAll] = useState(false);
  const plan = useResource("/api/billing/plan");
  const preview = usePreview(agent);
  const markup = plan.data?.current.cost_plus ?? "0";
  const passages = agent.definition.knowledge?.passages ?? 4;
  const prompt = preview.data?.tokens;
  const chosen = form.values.model;
  const nameOf = (model: Schemas["Model"]) => `${model.provider}/${model.id}`;
  // What works here comes first; the rest is told, so that nobody wonders where it went.
  const models = [...config.models.filter((model) => model.available), ...config.models.filter((model) => !model.available)];
  const shown = all ? models : models.filter((model, i) => (model.available && i < FEW) || nameOf(model) === chosen);
  const rest = models.length - shown.length;
  const priced = (model: Schemas["Model"]) => model.prices && prompt !== undefined && money(costOf(model.prices, 1000, prompt, passages, markup));
  return (
    <div class="stack">
      <Picks
        wide
        label="Model"
        value={chosen}
        onChange={(model) => form.set("model", model)}
        options={shown.map((model) => ({
          value: nameOf(model),
          title: model.name,
          aside: (
            <span class="pick-price number">
              {priced(model) ?? "–"} <span class="muted">per 1,000 conversations</span>
            </span>
          ),
          body: (
            <>
              <span class="block">{model.summary}</span>
              <span class="row">
                <span>Runs: {model.regions.map((region) => REGIONS[region] ?? region).join(", ")}</span>
                {model.prices && (
                  <span>
                    Input {rate(model.prices.input, model.prices.currency)}, output {rate(model.prices.output, model.prices.currency)}
                  </span>
                )}
                {model.prices?.demonstration && <Badge tone="warning">Demonstration price</Badge>}
                {model.status === "preview" && <Badge tone="warning">Preview</Badge>}
              </span>
            </>
          ),
          disabled: model.available ? undefined : `${model.provider_name} is not set up here.`,
        }))}
      />
      {form.error("model", "/model/id") && <Note tone="danger">{form.error("model", "/model/id")}</Note>}
      {(rest > 0 || all) && (
        <div class="row">
          <Button kind="quiet" icon={all ? "up" : "expand"} expanded={all} onClick={() => setAll(!all)}>
            {all ? "Show fewer" : `Show ${rest} more that are not set up here`}
          </Button>
        </div>
      )}
      <Note title="What the figure assumes">
        <p>
          {ASSUMED.turns} turns a conversation; in each {prompt === undefined ? "the prompt" : `the prompt of ${count(prompt)} tokens`}, {passages} passages of about {ASSUMED.passage} tokens, a question of {ASSUMED.question} and an answer of {ASSUMED.answer}, with all that was said before. It costs more with a model that thinks before it answers, and less where the provider remembers the prompt from turn to turn.
        </p>
        <p>
          {plan.data?.current.cost_plus
            ? `With your plan “${plan.data.current.name}”: the provider's cost plus ${share(Number(plan.data.current.cost_plus))}.`
            : plan.data
              ? `This is what the provider takes. Your plan “${plan.data.current.name}” charges by its own prices, whichever model answers.`
              : "This is what the provider takes."}
        </p>
      </Note>
    </div>
  );
}
