/** The filters of conversations: in the address by short names, in the API's query by its own. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useAgents } from "../../api/names";
import { Button } from "../../parts/basics";
import { Field, Input, type Option, Select } from "../../parts/fields";
import { plural } from "../../format";
import { dayIn } from "../../parts/range";
import type { Given } from "../../api/client";
import { CHANNELS, isChannel } from "../channels";

const NAMES = ["q", "agent", "channel", "outcome", "handed", "lead", "rating", "resolved", "from", "to", "visitor", "widget"] as const;
export type Filters = Partial<Record<(typeof NAMES)[number], string>>;
type Query = NonNullable<Given<"/api/conversations", "get">["query"]>;

/** Without the days that are none. */
export const filtersOf = (query: Record<string, string>): Filters => {
  const known: Record<string, string | undefined> = { ...query, from: dayIn(query.from), to: dayIn(query.to) };
  return Object.fromEntries(NAMES.filter((name) => known[name]).map((name) => [name, known[name]]));
};

const OUTCOMES = ["completed", "interrupted", "failed", "abandoned"] as const;
const HAND_OFFS = ["waiting", "taken", "done"] as const;
const oneOf = <T extends string>(all: readonly T[], value: string | undefined): T | undefined => all.find((one) => one === value);
const yesNo = (value: string | undefined): boolean | undefined => (value === "yes" ? true : value === "no" ? false : undefined);

/** What the API is asked; what an address has that no filter knows is left out. */
export function queryOf(filters: Filters): Query {
  const [least, most] = (filters.rating ?? "").split("-").map(Number);
  const state = oneOf(HAND_OFFS, filters.handed);
  const all: { [K in keyof Query]: Query[K] | undefined } = {
    q: filters.q,
    agent_id: filters.agent,
    channel: filters.channel && isChannel(filters.channel) ? filters.channel : undefined,
    outcome: oneOf(OUTCOMES, filters.outcome),
    handed_off: state ? true : yesNo(filters.handed),
    hand_off: state,
    has_lead: yesNo(filters.lead),
    resolved: yesNo(filters.resolved),
    min_rating: least || undefined,
    max_rating: most || least || undefined,
    from: filters.from,
    to: filters.to,
    visitor_id: filters.visitor,
    widget_id: filters.widget,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const ANY: Option = { value: "", label: "Any" };
const YES_NO: Option[] = [ANY, { value: "yes", label: "Yes" }, { value: "no", label: "No" }];
const OUTCOME_WORDS: Record<string, string> = { completed: "Completed", interrupted: "Interrupted", failed: "Failed", abandoned: "Abandoned" };
const options = (words: Record<string, string>): Option[] => [ANY, ...Object.entries(words).map(([value, label]) => ({ value, label }))];

export function Filters({ filters, change, refresh, busy }: { filters: Filters; change: (next: Record<string, string | undefined>) => void; refresh: () => Promise<void>; busy: boolean }) {
  const agents = useAgents();
  const set = Object.keys(filters).filter((name) => name !== "q").length;
  const [open, setOpen] = useState(false);
  const one = (name: keyof Filters) => ({ value: filters[name] ?? "", onChange: (value: string) => change({ [name]: value || undefined }) });
  return (
    <search class="stack tight" aria-label="Filter conversations">
      <div class="row talks-search">
        <Words value={filters.q ?? ""} change={(q) => change({ q: q || undefined })} />
        <Button expanded={open} onClick={() => setOpen(!open)} icon="expand">
          {set ? plural(set, "filter") : "Filters"}
        </Button>
        <Button kind="quiet" icon="refresh" label="Read the list again" busy={busy} onClick={() => void refresh()} />
      </div>
      {open && (
        <div class="card filters">
          <div class="wide">
            <Field label="Agent">
              <Select {...one("agent")} options={[ANY, ...agents.all.map((agent) => ({ value: agent.id, label: agent.name }))]} />
            </Field>
          </div>
          <Field label="Channel">
            <Select {...one("channel")} options={options(CHANNELS)} />
          </Field>
          <Field label="Outcome">
            <Select {...one("outcome")} options={options(OUTCOME_WORDS)} />
          </Field>
          <Field label="Handed off">
            <Select {...one("handed")} options={[...YES_NO, { value: "waiting", label: "Waiting" }, { value: "taken", label: "Taken" }, { value: "done", label: "Done" }]} />
          </Field>
          <Field label="Lead">
            <Select {...one("lead")} options={YES_NO} />
          </Field>
          <Field label="Rating">
            <Select {...one("rating")} options={[ANY, { value: "1-5", label: "Rated" }, { value: "1-2", label: "1 or 2" }, { value: "3", label: "3" }, { value: "4-5", label: "4 or 5" }]} />
          </Field>
          <Field label="Resolved">
            <Select {...one("resolved")} options={YES_NO} />
          </Field>
          <Field label="From">
            <Input type="date" value={filters.from ?? ""} {...(filters.to ? { max: filters.to } : {})} onInput={(from) => change({ from: from || undefined })} />
          </Field>
          <Field label="To">
            <Input type="date" value={filters.to ?? ""} {...(filters.from ? { min: filters.from } : {})} onInput={(last) => change({ to: last || undefined })} />
          </Field>
        </div>
      )}
      {(set > 0 || filters.q) && (
        <div class="row">
          {filters.visitor && <span class="muted">One visitor’s conversations</span>}
          {filters.widget && <span class="muted">One widget’s conversations</span>}
          <Button kind="quiet" icon="close" onClick={() => change(Object.fromEntries(NAMES.map((name) => [name, undefined])))}>
            Clear filters
          </Button>
        </div>
      )}
    </search>
  );
}

/** Searched when typing rests, or at once by Enter. */
function Words({ value, change }: { value: string; change: (value: string) => void }) {
  const [text, setText] = useState(value);
  const latest = useRef(change);
  latest.current = change;
  // What came from outside, such as Clear filters; a space that was just typed stays.
  useEffect(() => setText((now) => (now.trim() === value ? now : value)), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => latest.current(text.trim()), 400);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <form
      class="grow"
      onSubmit={(event) => {
        event.preventDefault();
        change(text.trim());
      }}
    >
      <Input type="search" label="Search what was said" placeholder="Search" value={text} onInput={setText} />
    </form>
  );
}
