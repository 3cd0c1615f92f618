/** Taking, finishing and noting a hand-off or a lead, the same in the lists and beside the transcript. */

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asProblem } from "../../api/problem";
import { forget, useAction } from "../../api/resource";
import { Button, Note, State } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, TextArea } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";
import { useGoingAlong, useWriting } from "./notes";
import { mine, usePersons } from "./persons";

export type Handling = Schemas["ShownHandOff"]["state"];

/** Where it stands; `since`: how long a waiting one waits, in words. */
export function WorkState({ state, since, takenBy }: { state: Handling; since: string; takenBy: string | null }) {
  const person = usePersons();
  return (
    <span class="row">
      <State of={state} />
      <span class="muted">
        {state === "waiting" ? since : `by ${person(takenBy)}`}
      </span>
    </span>
  );
}

interface Wishes {
  "hand-off": Schemas["ShownHandOff"];
  lead: Schemas["ShownLead"];
}

type Seen = Schemas["Seen"];

const PATHS = { "hand-off": "/api/conversations/{conversation}/hand-off", lead: "/api/conversations/{conversation}/lead" } as const;

export interface Handled<W extends keyof Wishes> {
  wish: W;
  conversation: string;
  state: Handling;
  takenBy: string | null;
  note: string | null;
  changed: (now: Wishes[W]) => void;
  /** Shows it as it is now, when a colleague was first. */
  reread: () => Promise<void>;
  /** What it is called in a list, out of which it may go when it is read anew: a colleague's being first is told above it. */
  listed?: string;
}

const isOvertaken = (error: unknown): boolean => ["handled_since", "taken_already"].includes(asProblem(error).code);

/** The row of a list to which a colleague was first, and the note that was written for it. */
const overtaken = signal<{ conversation: string; name: string; detail: string; words: string | undefined }>();

/** Above the lists, until it is closed or something else is done: what became of a row that may have gone from them. */
export function Overtaken() {
  const ref = useRef<HTMLDivElement>(null);
  const told = overtaken.value;
  const forgotten = () => (overtaken.value = undefined);
  useLayoutEffect(() => {
    forgotten();
    return () => void forgotten();
  }, []);
  useEffect(() => {
    // The button that was pressed has gone with its row, and the focus with it.
    if (told && document.activeElement === document.body) ref.current?.focus({ preventScroll: true });
  }, [told]);
  if (!told) return null;
  const { conversation, name, detail, words } = told;
  return (
    <div ref={ref} class="overtaken" tabIndex={-1}>
      <Note tone="warning" role="alert" title={<span dir="auto">{name}</span>}>
        <p>{detail}</p>
        {words && (
          <p>
            Your note is not kept: <span dir="auto">“{words}”</span>
          </p>
        )}
        <div class="row">
          <Button href={to(`/conversations/${conversation}`)}>Open the conversation</Button>
          <Button kind="quiet" onClick={forgotten}>
            Close
          </Button>
        </div>
      </Note>
    </div>
  );
}

const DONE = { taken: "You took it", done: "It is done", waiting: "It waits again" } as const satisfies Record<Handling, string>;

/** Buttons and the note. A colleague's stays with the colleague, but may be put back. */
export function Work<W extends keyof Wishes>({ wish, conversation, state, takenBy, note, changed, reread, listed }: Handled<W>) {
  const about = `${wish} ${conversation}`;
  const [writing, write] = useWriting(about);
  /** Whether the button here was pressed: a field that was open already takes no focus. */
  const pressed = useRef(false);
  const now: Seen = { state, taken_by: takenBy, note };
  // What one saw goes along: what a colleague did since is not undone without either noticing.
  const set = async (next: Handling, seen: Seen, words?: string): Promise<Seen> => {
    const address: (typeof PATHS)[keyof Wishes] = PATHS[wish];
    const { data } = await call("patch", address, { path: { conversation }, body: { state: next, note: words ?? null, seen } }).catch(async (error: unknown) => {
      if (isOvertaken(error)) {
        await reread();
        if (writing) write({ begun: undefined });
      }
      throw error;
    });
    changed(data as Wishes[W]);
    forget("/api/dashboard");
    return { state: data.state, taken_by: data.taken_by, note: data.note };
  };
  const doing = useAction(async (next: Handling, words?: string) => {
    const before = state;
    overtaken.value = undefined;
    const after = await set(next, (words !== undefined && writing?.begun) || now, words).catch((error: unknown) => {
      if (listed !== undefined && isOvertaken(error)) overtaken.value = { conversation, name: listed, detail: asProblem(error).detail, words };
      throw error;
    });
    if (words !== undefined) {
      write(undefined);
      toast("The note is kept");
    } else toast(DONE[next], async () => void (await set(before, after)));
  });
  const theirs = state === "taken" && takenBy !== null && takenBy !== mine();
  return (
    <div class="stack tight">
      {note && (!writing || note !== writing.begun?.note) && (
        <p class="break words" dir="auto">
          <span class="label">Note for colleagues</span>
          <br />
          {note}
        </p>
      )}
      {writing && (
        <>
          <Words about={about} text={writing.text} onInput={(text) => write({ text })} focus={pressed.current} />
          <div class="row">
            <Button busy={doing.busy} onClick={() => void doing.run(state, writing.text.trim())}>
              Save note
            </Button>
            <Button kind="quiet" onClick={() => write(undefined)}>
              Cancel
            </Button>
          </div>
        </>
      )}
      {may("member") && !writing && (
        <div class="row">
          {state === "waiting" && (
            <Button icon="hand" busy={doing.busy} onClick={() => void doing.run("taken")}>
              Take
            </Button>
          )}
          {state !== "done" && !theirs && (
            <Button icon="check" busy={doing.busy} onClick={() => void doing.run("done")}>
              Done
            </Button>
          )}
          {state !== "waiting" && (
            <Button kind="quiet" busy={doing.busy} onClick={() => void doing.run("waiting")}>
              Put back
            </Button>
          )}
          {!theirs && (
            <Button kind="quiet" icon="edit" onClick={() => ((pressed.current = true), write({ text: note ?? "", begun: now }))}>
              {note ? "Change note" : "Add note"}
            </Button>
          )}
        </div>
      )}
      {doing.problem && !(listed !== undefined && isOvertaken(doing.problem)) && <ErrorNote problem={doing.problem} {...(writing ? { safe: "What you typed is still here." } : {})} />}
    </div>
  );
}

/** The field of a note, which may move to another list while somebody types. */
function Words({ about, text, onInput, focus }: { about: string; text: string; onInput: (text: string) => void; focus: boolean }) {
  return (
    <div ref={useGoingAlong(about)}>
      <Field label="Note for colleagues" hint="The visitor does not see it." optional>
        <TextArea value={text} onInput={onInput} rows={3} maxLength={2000} autoFocus={focus} />
      </Field>
    </div>
  );
}
