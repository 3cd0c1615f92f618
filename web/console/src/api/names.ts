/**
 * The names behind the ids that lists carry: one read of the fleet serves every page.
 *
 * It is kept, and read anew behind what is shown at each visit: two Firestore reads an agent and three for all figures.
 * GET /api/agents would cost the same, and knows neither status, tags nor versions.
 */

import { useMemo } from "preact/hooks";
import type { Schemas } from "./client";
import { useResource } from "./resource";

export interface Agents {
  all: Schemas["FleetAgent"][];
  /** The agent's name, or its id while unknown or when it is gone. */
  name: (id: string | null | undefined) => string;
}

export function useAgents(): Agents {
  const { data } = useResource("/api/my-agents", { query: { page_size: 500, sort: "name" } });
  return useMemo(() => {
    const all = data?.items ?? [];
    const names = new Map(all.map((agent) => [agent.id, agent.name]));
    return { all, name: (id) => (id ? (names.get(id) ?? id) : "–") };
  }, [data]);
}
