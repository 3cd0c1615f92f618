/** Name, time zone, currency, retention of a workspace, and who is told by mail. */

import { call, type Schemas } from "../../api/client";
import { forget, type Resource, useResource } from "../../api/resource";
import { countryName, day } from "../../format";
import { Card, Facts, Note, State } from "../../parts/basics";
import { Field, Input, Lines, Select } from "../../parts/fields";
import { SaveBar, useForm } from "../../parts/form";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";
import { useCurrencies } from "../Workspaces";

type Workspace = Schemas["Workspace"];

const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")].map((value) => ({ value, label: value.replace(/_/g, " ") }));

/** Saves what is given; a field that is null stays, but for the retention, where null means for ever. */
async function saved(from: Resource<Workspace>, fields: Partial<Schemas["WorkspaceChange"]>, etag: string | undefined, retention: number | null): Promise<void> {
  const body = { name: null, time_zone: null, currency: null, alert_emails: null, retention_days: retention, ...fields };
  const { data, etag: now } = await call("patch", "/api/workspace", { body, etag });
  from.put(data, now);
  forget("/api/dashboard", "/api/audit-log");
}

async function read(): Promise<{ data: Workspace; etag: string | undefined }> {
  return call("get", "/api/workspace");
}

interface Fields extends Record<string, unknown> {
  name: string;
  time_zone: string;
  currency: string;
  retention_days: string;
}

const fieldsOf = (mine: Workspace): Fields => ({ name: mine.name, time_zone: mine.time_zone, currency: mine.currency, retention_days: mine.retention_days === null ? "" : String(mine.retention_days) });
const NAMES = { name: "Name", time_zone: "Time zone", currency: "Currency", retention_days: "Keep conversations for (days)" };

export function WorkspaceForm() {
  const mine = useResource("/api/workspace");
  return <Loaded from={mine}>{(data) => (may("admin") ? <Edit mine={data} from={mine} /> : <Facts of={facts(data)} />)}</Loaded>;
}

const facts = (mine: Workspace): [string, preact.ComponentChildren][] => [
  ["Name", <span dir="auto">{mine.name}</span>],
  ["Country", countryName(mine.country)],
  ["Currency", mine.currency],
  ["Time zone", mine.time_zone.replace(/_/g, " ")],
  ["Conversations", mine.retention_days === null ? "Kept for ever" : `Kept for ${mine.retention_days} days`],
  ["State", <State of={mine.state} />],
  ["Made", day(mine.created_at)],
  ["You are", mine.role],
];

function Edit({ mine, from }: { mine: Workspace; from: Resource<Workspace> }) {
  const form = useForm<Fields>({
    stored: fieldsOf(mine),
    etag: from.etag,
    save: async ({ name, time_zone, currency }, all, etag) => {
      const days = all.retention_days.trim();
      await saved(from, { name: name?.trim() ?? null, time_zone: time_zone ?? null, currency: currency ?? null }, etag, days === "" ? null : Number(days));
    },
    reread: async () => {
      const { data, etag } = await read();
      from.put(data, etag);
      return { stored: fieldsOf(data), etag };
    },
    check: ({ name, retention_days }) => ({
      name: name.trim() ? undefined : "A workspace has a name.",
      retention_days: retention_days.trim() === "" || (/^\d+$/.test(retention_days.trim()) && Number(retention_days) >= 7 && Number(retention_days) <= 3650) ? undefined : "A whole number of days from 7 to 3,650, or nothing.",
    }),
  });
  const { values, set, error } = form;
  const days = Number(values.retention_days);
  const shorter = values.retention_days !== "" && days >= 7 && (mine.retention_days === null || days < mine.retention_days);
  return (
    <Card title="Workspace">
      <Field label="Name" hint="As it stands in the console and in mails. Invoices carry the name in the billing profile." error={error("name")} pointer="/name" onBlur={() => form.touch("name")}>
        <Input value={values.name} onInput={(name) => set("name", name)} maxLength={80} autoComplete="organization" />
      </Field>
      <Field label="Time zone" hint="Days in figures and opening hours follow it. Billing counts in UTC." error={error("time_zone")} pointer="/time_zone">
        <Select value={values.time_zone} onChange={(zone) => set("time_zone", zone)} options={ZONES} />
      </Field>
      <Field label="Currency" hint="It is fixed from the first charge on." error={error("currency")} pointer="/currency">
        <Select value={values.currency} onChange={(currency) => set("currency", currency)} options={useCurrencies(values.currency)} />
      </Field>
      <Field label="Keep conversations for (days)" optional hint="After their last turn. Empty keeps them for ever; figures and charges stay in any case." error={error("retention_days")} pointer="/retention_days" onBlur={() => form.touch("retention_days")}>
        <Input value={values.retention_days} onInput={(retention) => set("retention_days", retention)} inputMode="numeric" />
      </Field>
      {shorter && <Note tone="warning">What was said in conversations older than {days} days will be erased for good, from the next night on.</Note>}
      <Facts
        of={[
          ["Country", countryName(mine.country)],
          ["Short code", <code>{mine.code}</code>],
          ["Made", day(mine.created_at)],
          ["You are", mine.role],
        ]}
      />
      <SaveBar form={form} within={["tab"]} names={NAMES} />
    </Card>
  );
}

interface Told extends Record<string, unknown> {
  alert_emails: string[];
  /** It is sent along as it is stored: nothing would mean for ever. */
  retention_days: number | null;
}

export function Notifications() {
  const mine = useResource("/api/workspace");
  return <Loaded from={mine}>{(data) => <EditTold mine={data} from={mine} />}</Loaded>;
}

function EditTold({ mine, from }: { mine: Workspace; from: Resource<Workspace> }) {
  const form = useForm<Told>({
    stored: { alert_emails: mine.alert_emails, retention_days: mine.retention_days },
    etag: from.etag,
    save: ({ alert_emails }, all, etag) => saved(from, { alert_emails: alert_emails ?? null }, etag, all.retention_days),
    reread: async () => {
      const { data, etag } = await read();
      from.put(data, etag);
      return { stored: { alert_emails: data.alert_emails, retention_days: data.retention_days }, etag };
    },
    check: ({ alert_emails }) => {
      const wrong = alert_emails.find((one) => !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(one));
      return { alert_emails: wrong ? `“${wrong}” is no email address.` : alert_emails.length > 10 ? "At most ten addresses." : undefined };
    },
  });
  return (
    <Card title="Told by mail">
      <Field label="Addresses" hint="One a line, at most ten. Empty: nobody is told by mail." error={form.error("alert_emails")} pointer="/alert_emails" onBlur={() => form.touch("alert_emails")}>
        <Lines value={form.values.alert_emails} onChange={(emails) => form.set("alert_emails", emails)} placeholder="reception@example.com" />
      </Field>
      <p>They hear of hand-offs, leads, caps that are nearly used, invoices and payments, and of agents that fail.</p>
      <p class="muted">
        Programs are told by <a href={to("/settings", { tab: "webhooks" })}>webhooks</a>.
      </p>
      <SaveBar form={form} within={["tab"]} names={{ alert_emails: "Addresses" }} />
    </Card>
  );
}
