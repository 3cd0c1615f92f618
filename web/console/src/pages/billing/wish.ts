/** A key for each wish: a retry of the same repeats it, another amount or invoice is another wish. */

import { useRef } from "preact/hooks";
import { newKey } from "../../api/client";

export function useKey(wish: unknown): string {
  const kept = useRef({ wish: "", key: "" });
  const words = JSON.stringify(wish);
  if (kept.current.wish !== words || !kept.current.key) kept.current = { wish: words, key: newKey() };
  return kept.current.key;
}
