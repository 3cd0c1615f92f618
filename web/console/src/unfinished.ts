/** On which step of the wizard a draft was left, so that it is taken up there, also another day. */

import { withQuery } from "./routing";

const KEY = "agenthub.wizard";

/** One draft is remembered: the last one. */
export const leaveAt = (agent: string, step: string): void => localStorage.setItem(KEY, `${agent} ${step}`);

/** The address at which the wizard goes on with this draft. */
export function wizardPath(agent: string): string {
  const [known, step] = (localStorage.getItem(KEY) ?? "").split(" ");
  return withQuery(`/agents/new/${agent}`, { step: known === agent ? step : "goals" });
}
