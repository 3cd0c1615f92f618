/** Notes for colleagues that somebody is writing: a row that goes to another list takes along its note and the focus in it. */

import { signal, useComputed } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { keep, kept } from "../../kept";

interface Writing {
  text: string;
  /** How the hand-off or lead stood when the writing began; undefined where a colleague was first since. */
  begun: Schemas["Seen"] | undefined;
}

const NAME = "notes";

/** By what they are about; kept, so that a reload loses nothing. */
const all = signal<Readonly<Record<string, Writing>>>(kept<Record<string, Writing>>(NAME) ?? {});

function set(about: string, writing: Writing | undefined): void {
  const { [about]: _, ...others } = all.peek();
  all.value = writing ? { ...others, [about]: writing } : others;
  keep(NAME, all.value);
}

/** What is being written about this, and how to change it or, with undefined, to be done with it. */
export function useWriting(about: string): [Writing | undefined, (next: Partial<Writing> | undefined) => void] {
  // A row is drawn anew for its own note only.
  const writing = useComputed(() => all.value[about]);
  return [writing.value, (next) => set(about, next && { text: "", begun: undefined, ...all.peek()[about], ...next })];
}

/** The fields on the page; while a row goes from list to list it may stand in both. */
const fields = new Map<HTMLTextAreaElement, string>();

/** Where somebody was typing when the field went. */
let left: { about: string; start: number; end: number } | undefined;
addEventListener("focusin", () => (left = undefined));

function goOn(): void {
  const field = [...fields].find(([, about]) => about === left?.about)?.[0];
  if (!left || !field || document.activeElement !== document.body) return;
  const { start, end } = left;
  field.focus();
  field.setSelectionRange(start, end);
}

/** For what surrounds the field of this note: who types in it goes on typing where its row goes. */
export function useGoingAlong(about: string) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const field = ref.current!.querySelector("textarea")!;
    fields.set(field, about);
    goOn();
    return () => {
      fields.delete(field);
      if (document.activeElement !== field) return;
      left = { about, start: field.selectionStart, end: field.selectionEnd };
      // It is still there at this moment, and keeps the focus until it is not.
      queueMicrotask(goOn);
    };
  }, []);
  return ref;
}
