/**
 * A visitor's question on its way from a transcript to the agent that should answer it better: into its knowledge or its
 * test cases. It is what a person wrote, so it goes by the tab's own storage and stands in no address.
 */

import { forgetKept, keep, kept } from "./kept";
import { go, withQuery } from "./routing";

const nameOf = (agent: string): string => `asked.${agent}`;

/** Opens the agent's tab with a new item that asks this. */
export function takeAlong(agent: string, question: string, tab: "knowledge" | "checks"): void {
  keep(nameOf(agent), question);
  go(withQuery(`/agents/${agent}`, { tab, add: tab === "knowledge" ? "qa" : "case" }));
}

/** The question that was taken along to this agent, until it is dropped. */
export const takenAlong = (agent: string): string => kept<string>(nameOf(agent)) ?? "";

export const drop = (agent: string): void => forgetKept(nameOf(agent));
