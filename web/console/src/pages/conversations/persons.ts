/** The names behind actors ("person:…", "key:…") that hand-offs and the audit log carry. */

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
      return names.get(actor) ?? "somebody who left";
    };
  }, [data, claims.value?.sub]);
}

/** The actor that I am. */
export const mine = (): string => `person:${claims.value?.sub ?? ""}`;
