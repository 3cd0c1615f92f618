/** Remembers a visitor's session over page views; where storage is blocked, for this page only, without an error. */

import { fields, json, list, text } from "./parse";

/** A message that was typed and not yet answered. */
export interface Unsent {
  readonly key: string;
  readonly text: string;
}

export interface Saved {
  readonly token: string;
  /** RFC 3339. */
  readonly expires: string;
  readonly conversation: string;
  /** Whom the site has signed in; empty: nobody. */
  readonly who: string;
  /** Not empty: the visitor has met the chat. */
  readonly met: string;
  /** Not empty: the form before the first message has been sent. */
  readonly gave: string;
  readonly unsent: readonly Unsent[];
}

export interface Store {
  read(): Saved;
  write(change: Partial<Saved>): void;
}

function parse(source: string): Saved {
  const saved = fields(json(source));
  return {
    token: text(saved["token"]),
    expires: text(saved["expires"]),
    conversation: text(saved["conversation"]),
    who: text(saved["who"]),
    met: text(saved["met"]),
    gave: text(saved["gave"]),
    unsent: list(saved["unsent"])
      .map(fields)
      .map((one) => ({ key: text(one["key"]), text: text(one["text"]) })),
  };
}

/** The store of one widget. Other tabs of the site share it, so each read looks again. */
export function openStore(widget: string, storage: () => Pick<Storage, "getItem" | "setItem">): Store {
  const name = `agenthub:${widget}`;
  let kept = "";

  const read = (): Saved => {
    try {
      kept = storage().getItem(name) ?? kept;
    } catch {
      // Blocked by the browser's settings or by a sandbox: `kept` serves this page.
    }
    return parse(kept);
  };

  return {
    read,
    write(change) {
      kept = JSON.stringify({ ...read(), ...change });
      try {
        storage().setItem(name, kept);
      } catch {
        // Blocked or full: as above.
      }
    },
  };
}
