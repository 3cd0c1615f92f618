/** State that survives a reload of this tab: what somebody has typed and not saved yet. */

import { useState } from "preact/hooks";
import { newKey } from "./api/client";

const NAME = "agenthub.kept.";

/** Everything that is kept under names that begin so. */
export function forgetKept(prefix: string): void {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(NAME + prefix)) sessionStorage.removeItem(name);
}

/** What is kept under a name. */
export function kept<T>(name: string): T | undefined {
  try {
    const text = sessionStorage.getItem(NAME + name);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    // A storage that is closed or holds something else: then it is as if nothing had been typed.
    return undefined;
  }
}

export function keep(name: string, value: unknown): void {
  try {
    sessionStorage.setItem(NAME + name, JSON.stringify(value));
  } catch {
    // Full or closed: the page still works, a reload begins anew.
  }
}

type Change<T> = T | ((now: T) => T);

/** useState whose value is kept under `name`; without a name it is useState. The name must not change while mounted. */
export function useKept<T>(name: string | undefined, initial: T | (() => T)): [T, (change: Change<T>) => void] {
  const [value, setValue] = useState<T>(() => (name === undefined ? undefined : kept<T>(name)) ?? (initial instanceof Function ? initial() : initial));
  const change = (next: Change<T>) =>
    setValue((now) => {
      const made = next instanceof Function ? next(now) : next;
      if (name !== undefined) keep(name, made);
      return made;
    });
  return [value, change];
}

/** The idempotency key of a wish: the same for the same `body`, also after a reload, until another body is wished. */
export function keyOf(name: string, body: unknown): string {
  const text = JSON.stringify(body);
  const known = kept<{ text: string; key: string }>(name);
  if (known?.text === text) return known.key;
  const key = newKey();
  keep(name, { text, key });
  return key;
}
