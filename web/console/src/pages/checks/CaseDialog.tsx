/** One test case, added or changed: the question, and what its answer must fulfil. */

import { useRef } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { useHere } from "../../api/resource";
import { Button } from "../../parts/basics";
import { Dialog, leaving } from "../../parts/dialog";
import { Field, Input, Lines, Select, TextArea } from "../../parts/fields";
import { Choose, Submit, useForm } from "../../parts/form";
import { ErrorNote } from "../../parts/problem";

export type Case = Schemas["Case"];
export type Shown = Schemas["ShownCases"];

export interface Stored {
  data: Shown;
  etag: string | undefined;
}

/** Replaces the agent's cases by `change` of what is stored; throws Problem. */
export async function putCases(agent: string, stored: Stored, change: (cases: Case[]) => Case[]): Promise<Stored> {
  return call("put", "/api/agents/{agent}/checks", { path: { agent }, etag: stored.etag, body: { cases: change(stored.data.cases) } });
}

export const getCases = (agent: string): Promise<Stored> => call("get", "/api/agents/{agent}/checks", { path: { agent } });

/** Characters of a question. */
const MOST = 4000;

type Fields = { question: string; must: string[]; must_not: string[]; hand_off: string; source: string };

const NAMES: Record<keyof Fields, string> = { question: "Question", must: "Must say", must_not: "Must not say", hand_off: "Hand-off", source: "Source" };
const EMPTY: Fields = { question: "", must: [], must_not: [], hand_off: "either", source: "" };

const fieldsOf = (found: Case): Fields => ({ question: found.question, must: found.must ?? [], must_not: found.must_not ?? [], hand_off: found.hand_off === true ? "yes" : found.hand_off === false ? "no" : "either", source: found.source ?? "" });

/** A name for the case that no other has: "are-you-open-2". */
function idOf(question: string, cases: Case[]): string {
  const words = question.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 32).replace(/-+$/, "") || "case";
  const taken = new Set(cases.map((one) => one.id));
  for (let n = 1; ; n++) {
    const id = n === 1 ? words : `${words}-${n}`;
    if (!taken.has(id)) return id;
  }
}

/** `question`: what a new case asks. */
export function CaseDialog({ agent, stored, id, question = "", saved, onClose }: { agent: string; stored: Stored; id: string | undefined; question?: string; saved: (now: Stored) => void; onClose: () => void }) {
  const at = id === undefined ? stored.data.cases.length : stored.data.cases.findIndex((one) => one.id === id);
  let latest = stored;
  // What somebody else has taken away stays as it was last.
  const last = useRef<Fields>({ ...EMPTY, question: question.slice(0, MOST) });
  const fieldsIn = ({ data }: Stored): Fields => {
    const found = data.cases.find((one) => one.id === id);
    return (last.current = found ? fieldsOf(found) : last.current);
  };
  const here = useHere();
  const form = useForm<Fields>({
    stored: fieldsIn(stored),
    etag: stored.etag,
    keep: `checks.${agent}.${id ?? `new ${question}`}`,
    save: async (_, all) => {
      const made = (cases: Case[]): Case => ({ id: id ?? idOf(all.question, cases), question: all.question.trim(), must: all.must, must_not: all.must_not, hand_off: { yes: true, no: false }[all.hand_off] ?? null, source: all.source.trim() || null });
      // A case that somebody else has taken away comes back when the person still wants it.
      const now = await putCases(agent, latest, (cases) => (cases.some((one) => one.id === id) ? cases.map((one) => (one.id === id ? made(cases) : one)) : [...cases, made(cases)]));
      saved(now);
      if (here()) onClose();
    },
    reread: async () => {
      latest = await getCases(agent);
      saved(latest);
      return { stored: fieldsIn(latest), etag: latest.etag };
    },
    check: (values) => ({ question: values.question.trim() ? undefined : "Write what a visitor asks." }),
  });
  const { values, set } = form;
  // A reload keeps what is typed; who cancels does not want it any more.
  const leave = leaving(form.dirty.length > 0, () => {
    form.discard();
    onClose();
  });
  const error = (name: keyof Fields) => form.error(name, `/cases/${at}/${name}`);
  const empty = !values.must.length && !values.must_not.length && values.hand_off === "either" && !values.source.trim();
  const known = form.problem?.errors.some((one) => one.pointer?.startsWith(`/cases/${at}/`));
  return (
    <Dialog
      title={id ? "Change test case" : "New test case"}
      onClose={leave}
      footer={
        <>
          <Button onClick={leave}>Cancel</Button>
          <Button kind="primary" busy={form.busy} onClick={() => void form.save()}>
            {id ? "Save case" : "Add case"}
          </Button>
        </>
      }
    >
      <Submit label="Test case" onSubmit={() => void form.save()}>
        <Field label="Question" hint="As the first message of a visitor." error={error("question")} pointer={`/cases/${at}/question`} onBlur={() => form.touch("question")}>
          <TextArea rows={2} autoFocus value={values.question} maxLength={MOST} placeholder="Are you open on Saturday?" onInput={(next) => set("question", next)} />
        </Field>
        <Field label="Must say" optional hint="One phrase a line, each of them; case does not matter." error={error("must")} pointer={`/cases/${at}/must`}>
          <Lines rows={2} value={values.must} onChange={(next) => set("must", next)} />
        </Field>
        <Field label="Must not say" optional hint="One phrase a line, none of them." error={error("must_not")} pointer={`/cases/${at}/must_not`}>
          <Lines rows={2} value={values.must_not} onChange={(next) => set("must_not", next)} />
        </Field>
        <Field label="Hand-off">
          <Select
            value={values.hand_off}
            onChange={(next) => set("hand_off", next)}
            options={[
              { value: "either", label: "Either way" },
              { value: "yes", label: "Must hand off to a person" },
              { value: "no", label: "Must not hand off" },
            ]}
          />
        </Field>
        <Field label="Must name the source" optional hint="The title of an item of knowledge." error={error("source")} pointer={`/cases/${at}/source`}>
          <Input value={values.source} maxLength={200} onInput={(next) => set("source", next)} />
        </Field>
        {empty && <p class="muted">Without a rule every answer passes; you can still compare the answers.</p>}
        {form.problem && !known && <ErrorNote problem={form.problem} safe="What you typed is still here." />}
      </Submit>
      {form.conflict && <Choose form={form} names={NAMES} />}
    </Dialog>
  );
}
