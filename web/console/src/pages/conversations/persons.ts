/** The names behind actors ("person:…", "key:…") that hand-offs, versions and states of agents carry. */

import { useMemo } from "preact/hooks";
import { useWhole } from "../../api/resource";
import { claims } from "../../session/session";

/** A person's name by actor; "you" for oneself. */
export function usePersons(): (actor: string | null | undefined) => string {
  const { data } = useWhole("/api/workspace/members");
  return useMemo(() => {
    const names = new Map(data?.items.map((one) => [`person:${one.id}`, one.name || one.email]));
    return (actor) => {
      if (!actor) return "nobody";
      if (actor === mine()) return "you";
      if (actor.startsWith("key:")) return "a program with an API key";
      // While the names are not there, nobody is said to have left.
      return names.get(actor) ?? (!actor.startsWith("person:") ? actor : data ? "a former member" : "–");
    };
  }, [data, claims.value?.sub]);
}

/** The actor that I am. */
export const mine = (): string => `person:${claims.value?.sub ?? ""}`;
