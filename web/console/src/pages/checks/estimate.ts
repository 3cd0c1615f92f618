/** About what a run will be charged, said before it begins: first turns at the model's prices and the plan's addition. */

import { useResource } from "../../api/resource";
import type { Amount } from "../../format";
import { chargeOfTurns } from "../wizard/cost";
import { usePreview } from "../wizard/preview";

export interface Estimate {
  turns: number;
  /** Undefined where the plan charges by other things than the model's cost, or while it is not known. */
  charge: Amount | undefined;
}

export function useEstimate(agent: string, cases: number): Estimate {
  const found = useResource("/api/agents/{agent}", { path: { agent } });
  const config = useResource("/api/config");
  const plan = useResource("/api/billing/plan");
  const preview = usePreview(found.data);
  const turns = found.data?.published ? cases * 2 : cases;
  const prices = config.data?.models.find((model) => `${model.provider}/${model.id}` === found.data?.model)?.prices;
  const terms = plan.data?.current;
  const message = terms?.unit_prices.find((one) => one.meter === "messages" && one.scheme === "unit" && one.model === null);
  return {
    turns,
    charge: chargeOfTurns(turns, {
      prices: terms?.cost_plus ? prices : undefined,
      markup: terms?.cost_plus ?? "0",
      message: message?.price && message.per === 1 ? message.price : undefined,
      prompt: preview.data?.tokens,
      passages: found.data?.definition.knowledge?.passages ?? 4,
    }),
  };
}
