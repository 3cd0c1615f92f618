/** Reads what the site's server says of its signed-in visitor; whether that is true, the platform finds out. */

import { fields, json } from "./parse";
import type { Fields } from "./parse";

/** What `token` says, as the fields of its payload; none for anything that is no JWT. */
export function readIdentity(token: string): Fields {
  try {
    const bytes = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    return fields(json(new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)))));
  } catch {
    return {};
  }
}
