/** Webhooks: where programs of the business are told what happened. The list, and one of them opened. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, useAction, useWhole } from "../../api/resource";
import { useKey } from "../../api/wish";
import { ago } from "../../format";
import { Button, Card, Empty, State } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { Checkbox, Field, Input } from "../../parts/fields";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { Secret } from "./Secret";
import { Webhook } from "./Webhook";

export type Hook = Schemas["Webhook"];
export type EventType = Schemas["NewWebhook"]["types"][number];

export const EVENTS: Record<EventType, string> = {
  "hand_off.requested": "A visitor asks for a person",
  "lead.created": "A visitor leaves contact details",
  "cap.alert": "A cap is nearly or wholly used",
  "invoice.issued": "An invoice is issued",
  "invoice.overdue": "An invoice is overdue",
  "payment.received": "A payment arrives",
  "payment.refunded": "A payment is refunded",
  "agent.failing": "An agent fails again and again",
  "member.invited": "A person is invited",
};
export const EVENT_TYPES = Object.keys(EVENTS) as EventType[];

export const changed = () => forget("/api/webhooks", "/api/audit-log", "/api/dashboard");
export const nameOf = (hook: Hook): string => hook.name || new URL(hook.url).hostname;
export const hookState = (hook: Hook) => <State of={hook.state === "active" ? (hook.failing_since ? "failing" : "active") : hook.disabled_reason === "by_hand" ? "paused" : "stopped"} />;

export default function Webhooks() {
  const [query] = useQuery();
  const hooks = useWhole("/api/webhooks");
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<{ name: string; secret: string }>();
  const columns: Column<Hook>[] = [
    { id: "name", head: "Webhook", card: "title", cell: (one) => <a href={to("/settings", { tab: "webhooks", webhook: one.id })} dir="auto">{nameOf(one)}</a> },
    { id: "state", head: "State", card: "status", cell: hookState },
    { id: "url", head: "Address", card: "detail", cell: (one) => <span class="break">{one.url}</span> },
    { id: "types", head: "Events", card: "detail", cell: (one) => (one.types.length === EVENT_TYPES.length ? "All" : one.types.length) },
    { id: "failing", head: "Failing", card: "detail", cell: (one) => <span class="number">{one.failing_since ? `since ${ago(one.failing_since)}` : "–"}</span> },
  ];
  const open = hooks.data?.items.find((one) => one.id === query.webhook);
  return (
    <>
      {query.webhook ? (
        <Webhook id={query.webhook} known={open} rotated={setSecret} />
      ) : (
        <Card
          title="Webhooks"
          aside={
            <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
              New webhook
            </Button>
          }
        >
          <Loaded from={hooks}>
            {({ items }) =>
              items.length ? (
                <div class="settings-table">
                  <Table label="Webhooks" columns={columns} items={items} keyOf={(one) => one.id} />
                </div>
              ) : (
                <Empty title="No webhooks yet">A program of yours is told at once when a visitor asks for a person, a lead comes, or an invoice is issued. Each request is signed.</Empty>
              )
            }
          </Loaded>
        </Card>
      )}
      {making && (
        <New
          onClose={() => setMaking(false)}
          made={(hook) => {
            setMaking(false);
            setSecret({ name: nameOf(hook), secret: hook.secret });
          }}
        />
      )}
      {secret && (
        <Secret title={`The secret of ${secret.name}`} parts={[{ label: "Signing secret", text: secret.secret }]} onStored={() => setSecret(undefined)}>
          <p class="muted">Your program checks the header webhook-signature with it, as the developer reference shows.</p>
        </Secret>
      )}
    </>
  );
}

export function Events({ value, change, error }: { value: EventType[]; change: (types: EventType[]) => void; error?: string | undefined }) {
  return (
    <Field label="Events" group error={error} pointer="/types">
      <div class="choices">
        {EVENT_TYPES.map((type) => (
          <Checkbox key={type} checked={value.includes(type)} hint={<code>{type}</code>} onChange={(on) => change(EVENT_TYPES.filter((one) => (one === type ? on : value.includes(one))))}>
            {EVENTS[type]}
          </Checkbox>
        ))}
      </div>
    </Field>
  );
}

function New({ onClose, made }: { onClose: () => void; made: (hook: Schemas["WebhookWithSecret"]) => void }) {
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const [types, setTypes] = useState<EventType[]>(["hand_off.requested", "lead.created"]);
  const key = useKey([url.trim(), types, name.trim()]);
  const doing = useAction(async () => {
    const { data } = await call("post", "/api/webhooks", { key, body: { url: url.trim(), types, name: name.trim() } });
    changed();
    made(data);
  });
  const missing = !url.trim() ? "Type an address first" : !types.length ? "Choose an event first" : undefined;
  return (
    <Dialog
      title="New webhook"
      onClose={onClose}
      footer={
        <>
          {missing && <span class="muted grow">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={doing.busy} disabled={missing} onClick={() => void doing.run()}>
            Make webhook
          </Button>
        </>
      }
    >
      <Field label="Address" hint="https only. It takes a POST and answers 2xx within 15 seconds." error={doing.problem?.at("/url")} pointer="/url">
        <Input type="url" value={url} onInput={setUrl} placeholder="https://example.com/agenthub" autoFocus maxLength={2000} />
      </Field>
      <Field label="Name" optional error={doing.problem?.at("/name")}>
        <Input value={name} onInput={setName} maxLength={80} />
      </Field>
      <Events value={types} change={setTypes} error={doing.problem?.at("/types")} />
      {doing.problem && !doing.problem.errors.length && <ErrorNote problem={doing.problem} safe="What you typed is still here." />}
    </Dialog>
  );
}
