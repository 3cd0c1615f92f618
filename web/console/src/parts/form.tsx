/**
 * A form over something that is stored: what differs is counted and saved together, nothing typed is lost.
 *
 * `useForm` keeps the person's own values apart from the stored ones. When somebody else saved in between (412), changes of
 * different fields go together; of a field that both changed, both values stand side by side and the person chooses. The
 * stored one is never overwritten unseen.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/problem";
import { useKept } from "../kept";
import { useUnsaved } from "../unsaved";
import { Button } from "./basics";
import { Dialog, toast } from "./dialog";
import { Radios } from "./fields";
import { ErrorNote, useCountdown } from "./problem";

type Values = Record<string, unknown>;

export interface Form<T extends Values> {
  values: T;
  set: <K extends keyof T>(name: K, value: T[K]) => void;
  /** The names that differ from what is stored. */
  dirty: (keyof T & string)[];
  busy: boolean;
  problem: Problem | undefined;
  /** The server's or the field's own error, by the field's JSON pointer; default `/name`. */
  error: (name: keyof T & string, pointer?: string) => string | undefined;
  /** Check a field when it is left, and from then on while typing. */
  touch: (name: keyof T & string) => void;
  /** What this returns brings back what was typed, except where something else was typed since. */
  discard: () => () => void;
  /** Resolves to whether it was saved. */
  save: () => Promise<boolean>;
  conflict: Conflict<T> | undefined;
}

/** What is stored, and as which version. */
interface Stored<T> {
  stored: T;
  etag: string | undefined;
}

interface Conflict<T> {
  stored: T;
  /** The fields that both changed. */
  both: (keyof T & string)[];
  /** Saves one's own value of these; of the others in `both` the stored one stays. */
  choose: (mine: ReadonlySet<string>) => void;
  cancel: () => void;
}

export interface FormOptions<T extends Values> {
  /** What is stored, as the form's values; a new object with other values replaces untouched fields. */
  stored: T;
  etag?: string | undefined;
  /** Saves the changed fields; throws Problem. */
  save: (changed: Partial<T>, all: T, etag: string | undefined) => Promise<void>;
  /** Reads again what is stored, after a 412. */
  reread?: () => Promise<Stored<T>>;
  /** Keeps what is typed under this name in the session's storage, so that a reload loses nothing. */
  keep?: string;
  /** What is wrong with a field before anything is sent. */
  check?: (values: T) => Partial<Record<keyof T & string, string | undefined>>;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const some = <T extends Values>(of: Partial<T>, wanted: (name: keyof T & string) => boolean) => Object.fromEntries(Object.entries(of).filter(([name]) => wanted(name))) as Partial<T>;

/** The fields of `mine` that somebody else changed to something else than `seen` and `mine`. Of what was not seen nobody knows. */
const changedByBoth = <T extends Values>(mine: Partial<T>, seen: Partial<T>, now: T) =>
  (Object.keys(mine) as (keyof T & string)[]).filter((name) => !same(mine[name], now[name]) && !(name in seen && same(seen[name], now[name])));

export function useForm<T extends Values>({ stored, etag, save, reread, keep, check }: FormOptions<T>): Form<T> {
  const [own, setOwn] = useKept<Partial<T>>(keep, {});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [conflict, setConflict] = useState<Conflict<T>>();
  const values = { ...stored, ...own };
  const dirty = (Object.keys(own) as (keyof T & string)[]).filter((name) => !same(own[name], stored[name]));
  const wrong: Partial<Record<string, string | undefined>> = check?.(values) ?? {};
  const running = useRef(false);
  // What was stored when a field was first changed, kept as long as what is typed: a reload, or a page that reads itself
  // anew, may bring another person's value.
  const [seen, setSeen] = useKept<Partial<T>>(keep && `${keep}.seen`, {});

  const ask = (mine: Partial<T>, both: (keyof T & string)[], now: Stored<T>) =>
    setConflict({
      stored: now.stored,
      both,
      cancel: () => setConflict(undefined),
      choose: (kept) => {
        const chosen = some(mine, (name) => !both.includes(name) || kept.has(name));
        setConflict(undefined);
        setOwn(chosen);
        setSeen(now.stored);
        void run(() => send(chosen, now.stored, now));
      },
    });

  /** Sends `mine` over what is stored; `base` is what was stored when it was typed. Once it goes over what came in between. */
  const send = async (mine: Partial<T>, base: Partial<T>, over: Stored<T>, again = true): Promise<boolean> => {
    const sent = { ...over.stored, ...mine };
    try {
      await save(some(mine, (name) => !same(mine[name], over.stored[name])), sent, over.etag);
      // What was typed while it was sent stays.
      setOwn((now) => some(now, (name) => !same(now[name], sent[name])));
      setSeen(sent);
      setTouched(new Set());
      setProblem(undefined);
      return true;
    } catch (error) {
      let found = asProblem(error);
      const now = found.status === 412 && reread ? await reread().catch((lost: unknown) => void (found = asProblem(lost))) : undefined;
      const both = now ? changedByBoth(mine, base, now.stored) : [];
      if (now && both.length) ask(mine, both, now);
      else if (now && again) return send(mine, base, now, false);
      else {
        setProblem(found);
        // The first field that is wrong takes the focus, once it shows its error.
        setTimeout(() => {
          const first = found.errors.find((one) => one.pointer)?.pointer;
          const fields = [...document.querySelectorAll<HTMLElement>("[data-pointer]")];
          fields.find((field) => first !== undefined && (first === field.dataset.pointer || first.startsWith(`${field.dataset.pointer}/`)))?.focus();
        });
      }
      return false;
    }
  };

  const run = async (act: () => Promise<boolean>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    try {
      return await act();
    } finally {
      running.current = false;
      setBusy(false);
    }
  };

  const saveAll = () =>
    run(async () => {
      setTouched(new Set(Object.keys(values)));
      if (Object.values(wrong).some(Boolean)) {
        setTimeout(() => document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
        return false;
      }
      const mine = some(own, (name) => dirty.includes(name));
      const both = reread ? changedByBoth(mine, seen, stored) : [];
      if (both.length) {
        ask(mine, both, { stored, etag });
        return false;
      }
      return send(mine, seen, { stored, etag });
    });

  return {
    values,
    set: (name, value) => {
      if (!(name in own) || same(own[name], stored[name])) setSeen((now) => ({ ...now, [name]: stored[name] }));
      // What is typed back is no change and follows what others store, unless another value of it is on its way.
      setOwn((now) => (same(value, stored[name]) && !running.current ? some(now, (other) => other !== name) : { ...now, [name]: value }));
      setProblem((now) => (now?.errors.some((one) => one.pointer === `/${String(name)}`) ? undefined : now));
    },
    dirty,
    busy,
    problem,
    error: (name, pointer = `/${name}`) => problem?.at(pointer) ?? (touched.has(name) ? wrong[name] : undefined),
    touch: (name) => setTouched((now) => new Set([...now, name])),
    discard: () => {
      setOwn({});
      setSeen({});
      setProblem(undefined);
      setTouched(new Set());
      return () => {
        setSeen((now) => ({ ...seen, ...now }));
        setOwn((now) => ({ ...own, ...now }));
      };
    },
    save: saveAll,
    conflict,
  };
}

/** The bar at the foot of a form that has changes: how many, Discard, Save; Ctrl or Cmd-S saves. */
/** `names` and `show` are the words for fields and values where two people's changes stand side by side; `within`: see guardLeaving. */
export function SaveBar<T extends Values>({ form, label = "Save", names, show, within }: { form: Form<T>; label?: string; within?: readonly string[]; names?: Partial<Record<keyof T & string, string>>; show?: (name: string, value: unknown) => string | undefined }) {
  const n = form.dirty.length;
  const changes = n === 1 ? "1 unsaved change" : `${n} unsaved changes`;
  const left = useCountdown(form.problem);
  const wait = left > 0 && `Try again in ${left} s`;
  const save = () => {
    if (!wait) void form.save();
  };
  // What is gone with its form cannot come back.
  const withdraw = useRef<(() => void) | undefined>(undefined);
  useEffect(() => () => withdraw.current?.(), []);
  useUnsaved(n ? `Leave without saving ${n === 1 ? "one change" : `${n} changes`}?` : undefined, save, within);
  return (
    <>
      {form.problem && <ErrorNote problem={form.problem} retry={form.problem.errors.length ? undefined : save} safe="What you typed is still here." />}
      {n > 0 && (
        <div class="save-bar" role="region" aria-label="Unsaved changes">
          <span class="grow">{wait ? `${changes}. ${wait}` : changes}</span>
          <Button kind="quiet" onClick={() => (withdraw.current = toast(n === 1 ? "1 change is discarded" : `${n} changes are discarded`, form.discard()))}>
            Discard
          </Button>
          <Button kind="primary" busy={form.busy} disabled={wait} onClick={save}>
            {label}
          </Button>
        </div>
      )}
      {form.conflict && <Choose form={form} names={names ?? {}} show={(name, value) => show?.(name, value) ?? shown(value)} />}
    </>
  );
}

const shown = (value: unknown): string => (value === "" || value === null || value === undefined ? "(nothing)" : typeof value === "string" ? value : Array.isArray(value) ? value.map(String).join(", ") : JSON.stringify(value));

/** After a 412: both values of each field that both changed, side by side. SaveBar shows it; a form without that bar shows it itself. */
export function Choose<T extends Values>({ form, names, show = (_, value) => shown(value) }: { form: Form<T>; names: Partial<Record<string, string>>; show?: (name: string, value: unknown) => string }) {
  const { stored, both, choose, cancel } = form.conflict!;
  const [mine, setMine] = useState<ReadonlySet<string>>(new Set(both));
  return (
    <Dialog
      title="Somebody else changed this"
      onClose={cancel}
      footer={
        <>
          <Button onClick={cancel}>Cancel</Button>
          <Button kind="primary" onClick={() => choose(mine)}>
            Save what is chosen
          </Button>
        </>
      }
    >
      <p>Nothing was overwritten. Choose for each field which value stays.</p>
      {both.map((name) => (
        <fieldset key={name} class="stack tight">
          <legend class="field-label">
            <strong>{names[name] ?? name.replace(/_/g, " ")}</strong>
          </legend>
          <Radios
            name={name}
            value={mine.has(name) ? "mine" : "stored"}
            onChange={(value) => setMine(value === "mine" ? new Set([...mine, name]) : new Set([...mine].filter((one) => one !== name)))}
            options={[
              { value: "stored", label: "Theirs, stored now", hint: <span class="break">{show(name, stored[name])}</span> },
              { value: "mine", label: "Yours", hint: <span class="break">{show(name, form.values[name])}</span> },
            ]}
          />
        </fieldset>
      ))}
    </Dialog>
  );
}

/** A plain form that submits on Enter. */
export function Submit({ onSubmit, children, label }: { onSubmit: () => void; children: ComponentChildren; label?: string }) {
  return (
    <form
      class="stack"
      noValidate
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
