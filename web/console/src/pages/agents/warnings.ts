/** The warnings of a prompt for a person: those that say the same together, with the lines that they are about. */

import type { Schemas } from "../../api/client";

type Warning = Schemas["PromptWarning"];

export interface Said {
  /** The first of those that say the same. */
  warning: Warning;
  times: number;
  /** The lines of the definition that they point at, such as goals; none where they point at a single field. */
  about: string[];
}

/** In the order of the first of each. */
export function said(warnings: readonly Warning[], definition: object): Said[] {
  const groups = new Map<string, Said>();
  for (const one of warnings) {
    const known = groups.get(one.message) ?? { warning: one, times: 0, about: [] };
    known.times += 1;
    known.about.push(...(line(one.pointer, definition) ?? []));
    groups.set(one.message, known);
  }
  return [...groups.values()];
}

function line(pointer: string, definition: object): [string] | undefined {
  const [, list, at] = /^\/(\w+)\/(\d+)$/.exec(pointer) ?? [];
  const lines = list ? (definition as Record<string, unknown>)[list] : undefined;
  const found: unknown = Array.isArray(lines) ? lines[Number(at)] : undefined;
  return typeof found === "string" ? [found] : undefined;
}
