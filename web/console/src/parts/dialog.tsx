/** Dialogs, confirmations, menus, toasts: native dialog and popover, so focus and layers are the browser's. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { createPortal } from "preact/compat";
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/problem";
import { useAction, useHere } from "../api/resource";
import { Button } from "./basics";
import { Field, Input } from "./fields";
import type { IconName } from "./icons";
import { Sight } from "./pane";
import { ErrorNote } from "./problem";

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  wide?: boolean;
  /** False when Escape and Close would lose something that cannot be seen again. */
  closable?: boolean;
}

export function Dialog({ title, onClose, children, footer, wide, closable = true }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const { dialogs } = useContext(Sight);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = ref.current!;
    dialog.showModal();
    return () => {
      // While it is open the page behind it takes no focus.
      dialog.close();
      // Of a row that was deleted nothing is left: the page is read from its name on.
      (before?.isConnected ? before : document.querySelector<HTMLElement>(".page h1"))?.focus({ preventScroll: true });
    };
  }, []);
  const shown = (
    <dialog
      ref={ref}
      class={`dialog${wide ? " wide" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (closable) onClose();
      }}
    >
      <header>
        <h2 id={id} class="break">
          {title}
        </h2>
        {closable && <Button kind="quiet" icon="close" label="Close" onClick={onClose} />}
      </header>
      <div class="body stack">{children}</div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
  return dialogs ? createPortal(shown, dialogs) : shown;
}

/** How a dialog is left in which something was typed that would be lost: the person is asked. */
export const leaving = (typed: boolean, onClose: () => void) => () => {
  if (!typed || confirm("Close without saving what you typed?")) onClose();
};

export interface ConfirmProps {
  /** The question, such as "Void invoice ABC-2026-0001?". */
  title: string;
  /** What will be lost, in numbers. */
  children: ComponentChildren;
  /** Verb and object: "Void invoice". */
  action: string;
  act: () => Promise<void>;
  onClose: () => void;
  danger?: boolean;
  /** What has to be typed first, for what can never be undone. */
  typed?: string;
}

/** Asks once before what cannot be undone; the focus stands on Cancel. */
export function Confirm({ title, children, action, act, onClose, danger = true, typed }: ConfirmProps) {
  const [text, setText] = useState("");
  const here = useHere();
  const doing = useAction(act);
  const wrong = typed !== undefined && text.trim() !== typed;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} autoFocus>
            Cancel
          </Button>
          <Button kind={danger ? "danger" : "primary"} busy={doing.busy} disabled={wrong && `Type ${typed} first`} onClick={() => void doing.run().then((done) => done && here() && onClose())}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {typed !== undefined && (
        <Field label={`Type “${typed}” to go on`}>
          <Input value={text} onInput={setText} autoComplete="off" />
        </Field>
      )}
      {doing.problem && <ErrorNote problem={doing.problem} />}
    </Dialog>
  );
}

export interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  href?: string;
  onSelect?: () => void;
}

/** A button with a menu below it: arrows move, Escape closes, focus comes back. */
export function Menu({ label, items, children, kind = "secondary", icon = "more" }: { label: string; items: (MenuItem | false | undefined)[]; children?: ComponentChildren; kind?: "secondary" | "quiet"; icon?: IconName }) {
  const id = useId();
  const ref = useRef<HTMLDivElement>(null);
  const shown = items.filter((item): item is MenuItem => Boolean(item));
  const close = () => ref.current?.hidePopover();
  const place = () => {
    const menu = ref.current!;
    const button = document.getElementById(`${id}b`)!.getBoundingClientRect();
    const rtl = getComputedStyle(menu).direction === "rtl";
    const end = rtl ? button.left : innerWidth - button.right;
    const roomOnOneSide = rtl ? button.right : innerWidth - button.left;
    const alignStart = roomOnOneSide > 220 && end > innerWidth / 2;
    menu.style.insetInlineEnd = alignStart ? "auto" : `${Math.max(8, end)}px`;
    menu.style.insetInlineStart = alignStart ? `${rtl ? innerWidth - button.right : button.left}px` : "auto";
    const below = innerHeight - button.bottom > menu.offsetHeight + 8 || button.top < menu.offsetHeight;
    menu.style.insetBlockStart = below ? `${button.bottom + 4}px` : "auto";
    menu.style.insetBlockEnd = below ? "auto" : `${innerHeight - button.top + 4}px`;
    menu.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  };
  const move = (event: KeyboardEvent) => {
    const all = [...ref.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") close();
    if (next === undefined) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  };
  if (!shown.length) return null;
  return (
    <>
      <Button id={`${id}b`} kind={kind} icon={icon} {...(children ? {} : { label })} popover={id}>
        {children}
      </Button>
      <div ref={ref} id={id} popover="auto" class="popover" onToggle={(event) => (event as unknown as { newState: string }).newState === "open" && place()} onKeyDown={move}>
        <div class="menu" role="menu" aria-label={label}>
          {shown.map((item) =>
            item.href !== undefined ? (
              <a key={item.label} role="menuitem" href={item.href} tabIndex={-1} onClick={close}>
                {item.label}
              </a>
            ) : (
              <button
                key={item.label}
                type="button"
                role="menuitem"
                tabIndex={-1}
                class={item.danger ? "danger" : ""}
                onClick={() => {
                  close();
                  item.onSelect?.();
                }}
              >
                {item.label}
              </button>
            ),
          )}
        </div>
      </div>
    </>
  );
}

type Undo = () => Promise<void> | void;

interface Shown {
  id: number;
  text: string;
  undo?: Undo | undefined;
}

const toasts = signal<Shown[]>([]);
let last = 0;

/** What was to be undone and was not. It stands on the page until it works or is closed. */
const failed = signal<{ text: string; undo: Undo; problem: Problem }>();

/** What ends in a full stop is nothing to say here: the compiler refuses it. */
type Phrase<T extends string> = T extends `${string}.` ? never : T;

/**
 * Say that something is done, with Undo where that is possible. Errors never come this way: they stand in place. What this
 * returns takes the words away again, when there is nothing left to undo.
 *
 * A phrase has no full stop at its end, like a label; of two sentences the first keeps its own: "Saved. Pages show it
 * within a minute".
 */
export function toast<const T extends string>(text: Phrase<T>, undo?: Undo): () => void {
  const id = ++last;
  toasts.value = [{ id, text, undo }];
  return () => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  };
}

async function undone(text: string, undo: Undo): Promise<void> {
  try {
    await undo();
    failed.value = undefined;
  } catch (error) {
    failed.value = { text, undo, problem: asProblem(error) };
  }
}

/** Above the page, whichever it is by then: what was to be undone and was not, with another try. */
export function NotUndone() {
  if (!failed.value) return null;
  const { text, undo, problem } = failed.value;
  return (
    <div class="not-undone">
      <ErrorNote
        problem={problem}
        failed="That could not be undone"
        safe={`It is still so: “${text}”.`}
        retry={() => undone(text, undo)}
        more={
          <Button kind="quiet" onClick={() => (failed.value = undefined)}>
            Close
          </Button>
        }
      />
    </div>
  );
}

export function Toasts() {
  const ref = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState(false);
  const [shown] = toasts.value;
  useLayoutEffect(() => {
    // Shown anew each time, so that it lies over a dialog that was opened in between.
    if (ref.current?.matches(":popover-open")) ref.current.hidePopover();
    if (shown) ref.current?.showPopover();
  }, [shown?.id]);
  useEffect(() => {
    if (!shown || held) return;
    const timer = setTimeout(() => (toasts.value = []), 6000);
    return () => clearTimeout(timer);
  }, [shown?.id, held]);
  return (
    <div ref={ref} popover="manual" class="toasts" role="status" onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocusIn={() => setHeld(true)} onFocusOut={() => setHeld(false)}>
      {shown && (
        <div class="toast">
          <span class="break">{shown.text}</span>
          {shown.undo && (
            <button
              type="button"
              onClick={() => {
                // The button goes without a word about its focus.
                setHeld(false);
                toasts.value = [];
                void undone(shown.text, shown.undo!);
              }}
            >
              Undo
            </button>
          )}
        </div>
      )}
    </div>
  );
}
