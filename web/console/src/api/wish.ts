/** A key for each wish: a retry of the same repeats it; another name or amount is another wish, and gets another key. */

import { useRef } from "preact/hooks";
import { newKey } from "./client";

export function useKey(wish: unknown): string {
  const kept = useRef({ wish: "", key: "" });
  const words = JSON.stringify(wish);
  if (kept.current.wish !== words || !kept.current.key) kept.current = { wish: words, key: newKey() };
  return kept.current.key;
}
