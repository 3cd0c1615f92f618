/** The filters of the feed and the audit log, kept in the address. */

import type { Given } from "../../api/client";
import { useWhole } from "../../api/resource";
import { Button } from "../../parts/basics";
import { Field, Input, type Option, Select } from "../../parts/fields";
import { addDays, dayIn } from "../../parts/range";
import { may } from "../../session/session";
import { kindWords } from "./words";

const NAMES = ["actor", "kind", "subject", "action", "from", "to"] as const;
export type Filters = Partial<Record<(typeof NAMES)[number], string>>;
type Query = NonNullable<Given<"/api/audit-log", "get">["query"]>;

/** Without the days that are none. */
export const filtersOf = (query: Record<string, string>): Filters => {
  const known: Record<string, string | undefined> = { ...query, from: dayIn(query.from), to: dayIn(query.to) };
  return Object.fromEntries(NAMES.filter((name) => known[name]).map((name) => [name, known[name]]));
};

/** The API takes moments; people mean whole days of where they are. */
export function queryOf({ from, to, ...same }: Filters): Query {
  return { ...same, ...(from ? { from: moment(from) } : {}), ...(to ? { to: moment(addDays(to, 1)) } : {}) };
}

const moment = (day: string): string => new Date(`${day}T00:00:00`).toISOString();

const KINDS = ["agent", "widget", "conversation", "visitor", "billing", "invoice", "payment", "member", "invitation", "api_key", "webhook", "workspace", "export"];

export function Filters({ filters, change, children }: { filters: Filters; change: (next: Record<string, string | undefined>) => void; children?: preact.ComponentChildren }) {
  const members = useWhole("/api/workspace/members");
  const keys = useWhole("/api/workspace/api-keys", may("admin") ? {} : null);
  const actors: Option[] = [
    { value: "", label: "Anybody" },
    ...(members.data?.items.map((one) => ({ value: `person:${one.id}`, label: one.name || one.email })) ?? []),
    ...(keys.data?.items.map((one) => ({ value: `key:${one.id}`, label: `API key ${one.name}` })) ?? []),
    { value: "system", label: "AgentHub itself" },
  ];
  // Somebody who left is still in the log.
  if (filters.actor && !actors.some((one) => one.value === filters.actor)) actors.push({ value: filters.actor, label: "Somebody who left" });
  const one = (name: keyof Filters) => ({ value: filters[name] ?? "", onChange: (value: string) => change({ [name]: value || undefined }) });
  return (
    <search class="activity-filters" aria-label="Filter entries">
      <Field label="Who">
        <Select {...one("actor")} options={actors} />
      </Field>
      <Field label="What kind">
        <Select {...one("kind")} options={[{ value: "", label: "Anything" }, ...KINDS.map((value) => ({ value, label: kindWords(value).replace(/^./, (letter) => letter.toUpperCase()) }))]} />
      </Field>
      <Field label="From">
        <Input type="date" value={filters.from ?? ""} {...(filters.to ? { max: filters.to } : {})} onInput={(from) => change({ from: from || undefined })} />
      </Field>
      <Field label="To">
        <Input type="date" value={filters.to ?? ""} {...(filters.from ? { min: filters.from } : {})} onInput={(to) => change({ to: to || undefined })} />
      </Field>
      <div class="row">
        {Object.keys(filters).length > 0 && (
          <Button kind="quiet" icon="close" onClick={() => change(Object.fromEntries(NAMES.map((name) => [name, undefined])))}>
            Clear filters
          </Button>
        )}
        {children}
      </div>
    </search>
  );
}
