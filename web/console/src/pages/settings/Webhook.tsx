/** One webhook: its settings, what was delivered to it, and another try. */

import { useState } from "preact/hooks";
import { call, newKey, type Schemas } from "../../api/client";
import { asShown } from "../../api/problem";
import { type Resource, useAction, usePages, useResource } from "../../api/resource";
import { ago, duration, when } from "../../format";
import { Button, Card, Empty, Note, State } from "../../parts/basics";
import { Confirm, Menu, toast } from "../../parts/dialog";
import { Field, Input, Switch } from "../../parts/fields";
import { SaveBar, useForm } from "../../parts/form";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, List } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { changed, EVENT_TYPES, type EventType, Events, EVENTS, type Hook, hookState, nameOf } from "./Webhooks";

type Delivery = Schemas["Delivery"];

export function Webhook({ id, known, rotated }: { id: string; known: Hook | undefined; rotated: (secret: { name: string; secret: string }) => void }) {
  const read = useResource("/api/webhooks/{webhook}", { path: { webhook: id } });
  return (
    <div class="stack loose">
      <div>
        <Button kind="quiet" icon="back" href={to("/settings", { tab: "webhooks" })}>
          All webhooks
        </Button>
      </div>
      <Loaded from={read}>
        {(hook) => (
          <>
            <Head hook={hook} read={read} rotated={rotated} />
            <Deliveries hook={hook} />
          </>
        )}
      </Loaded>
      {!read.data && known && <p class="muted">{nameOf(known)}</p>}
    </div>
  );
}

const WHY: Record<string, string> = {
  failing: "It kept failing for days, so nothing is sent any more. Mend it, then switch it on again.",
  gone: "Its address answered 410 Gone, so nothing is sent any more.",
};

interface Fields extends Record<string, unknown> {
  name: string;
  url: string;
  types: EventType[];
}
const fieldsOf = (hook: Hook): Fields => ({ name: hook.name, url: hook.url, types: EVENT_TYPES.filter((one) => hook.types.includes(one)) });
const WORDS: Record<string, string> = { ...EVENTS, "webhook.test": "Test" };
const STAY = { url: null, types: null, name: null, enabled: null };

function Head({ hook, read, rotated }: { hook: Hook; read: Resource<Hook>; rotated: (secret: { name: string; secret: string }) => void }) {
  const path = { webhook: hook.id };
  const [, change] = useQuery();
  const [asking, setAsking] = useState<"delete" | "rotate">();
  const [key, setKey] = useState(newKey);
  const form = useForm<Fields>({
    stored: fieldsOf(hook),
    etag: read.etag,
    save: async (fields, _, etag) => {
      const { data, etag: now } = await call("patch", "/api/webhooks/{webhook}", { path, etag, body: { ...STAY, ...(fields.url === undefined ? {} : { url: fields.url.trim() }), ...(fields.types ? { types: fields.types } : {}), ...(fields.name === undefined ? {} : { name: fields.name.trim() }) } });
      changed();
      read.put(data, now);
      toast("The webhook is changed");
    },
    reread: async () => {
      const { data, etag } = await call("get", "/api/webhooks/{webhook}", { path });
      read.put(data, etag);
      return { stored: fieldsOf(data), etag };
    },
    check: ({ url, types }) => ({ url: /^https:\/\//.test(url.trim()) ? undefined : "It begins with https://.", types: types.length ? undefined : "Choose at least one." }),
  });
  const enable = useAction(async (enabled: boolean) => {
    const { data, etag } = await asShown(() => call("patch", "/api/webhooks/{webhook}", { path, etag: read.etag, body: { ...STAY, enabled } }), read.reload);
    changed();
    read.put(data, etag);
  });
  const why = hook.state === "disabled" && hook.disabled_reason ? WHY[hook.disabled_reason] : undefined;
  return (
    <Card
      title={nameOf(hook)}
      aside={
        <>
          {hookState(hook)}
          <Switch label="Send events" checked={hook.state === "active"} onChange={(on) => enable.run(on)} />
          <Menu
            kind="quiet"
            label="More about this webhook"
            items={[
              { label: "Rotate secret", onSelect: () => setAsking("rotate") },
              { label: "Delete webhook", danger: true, onSelect: () => setAsking("delete") },
            ]}
          />
        </>
      }
    >
      {enable.problem && <ErrorNote problem={enable.problem} />}
      {why && <Note tone="danger">{why}</Note>}
      {hook.failing_since && hook.state === "active" && <Note tone="warning">Nothing has arrived since {when(hook.failing_since)}. Failed deliveries are tried again for days.</Note>}
      {hook.previous_secret_until && <Note>Requests are signed with the old secret, too, until {when(hook.previous_secret_until)}.</Note>}
      <Field label="Address" error={form.error("url")} pointer="/url" onBlur={() => form.touch("url")}>
        <Input type="url" value={form.values.url} onInput={(url) => form.set("url", url)} maxLength={2000} />
      </Field>
      <Field label="Name" optional error={form.error("name")} pointer="/name">
        <Input value={form.values.name} onInput={(name) => form.set("name", name)} maxLength={80} />
      </Field>
      <Events value={form.values.types} change={(types) => form.set("types", types)} error={form.error("types")} />
      <SaveBar form={form} within={["tab", "webhook"]} names={{ url: "Address", name: "Name", types: "Events" }} />
      {asking === "rotate" && (
        <Confirm
          title={`Rotate the secret of ${nameOf(hook)}?`}
          action="Rotate secret"
          danger={false}
          onClose={() => setAsking(undefined)}
          act={async () => {
            const { data } = await call("post", "/api/webhooks/{webhook}/rotate", { path, key });
            setKey(newKey());
            changed();
            rotated({ name: nameOf(data), secret: data.secret });
          }}
        >
          <p>There will be a new secret, shown once. For a day each request is signed with both, so that your program can change over.</p>
        </Confirm>
      )}
      {asking === "delete" && (
        <Confirm
          title={`Delete ${nameOf(hook)}?`}
          action="Delete webhook"
          typed={nameOf(hook)}
          onClose={() => setAsking(undefined)}
          act={async () => {
            await asShown(() => call("delete", "/api/webhooks/{webhook}", { path, etag: read.etag }), read.reload);
            change({ webhook: undefined });
            changed();
            toast("The webhook is deleted");
          }}
        >
          <p>What waits to be delivered is dropped, and its secret is gone.</p>
        </Confirm>
      )}
    </Card>
  );
}

function Deliveries({ hook }: { hook: Hook }) {
  const pages = usePages("/api/webhooks/{webhook}/deliveries", { path: { webhook: hook.id } });
  const trying = useAction(async () => {
    const { data } = await call("post", "/api/webhooks/{webhook}/test", { path: { webhook: hook.id }, key: newKey() });
    pages.change((all) => [data, ...all.filter((one) => one.id !== data.id)]);
  });
  const again = useAction(async (delivery: string) => {
    const { data } = await call("post", "/api/webhooks/{webhook}/deliveries/{delivery}/redeliver", { path: { webhook: hook.id, delivery }, key: newKey() });
    pages.change((all) => all.map((one) => (one.id === data.id ? data : one)));
  });
  const columns: Column<Delivery>[] = [
    {
      id: "type",
      head: "Event",
      card: "title",
      cell: (one) => WORDS[one.type] ?? one.type,
    },
    { id: "state", head: "State", card: "status", cell: (one) => <State of={one.state} /> },
    { id: "when", head: "When", card: "detail", cell: (one) => <time class="number" dateTime={one.created_at} title={when(one.created_at)}>{ago(one.created_at)}</time> },
    { id: "attempts", head: "Attempts", card: "detail", cell: (one) => <Attempts one={one} /> },
    {
      id: "again",
      head: <span class="hidden">Actions</span>,
      card: "detail",
      cell: (one) => (
        <Button busy={again.busy} onClick={() => void again.run(one.id)}>
          Send again
        </Button>
      ),
    },
  ];
  return (
    <Card
      title="Deliveries"
      aside={
        <>
          <Button kind="quiet" icon="refresh" label="Read the deliveries again" busy={pages.busy} onClick={() => void pages.reload()} />
          <Button icon="send" busy={trying.busy} onClick={() => void trying.run()}>
            Send a test
          </Button>
        </>
      }
    >
      <p class="muted">Of the last 30 days, without their content. A delivery that fails is tried again, later each time.</p>
      {trying.problem && <ErrorNote problem={trying.problem} />}
      {again.problem && <ErrorNote problem={again.problem} />}
      <div class="settings-table">
        <List label="Deliveries" pages={pages} columns={columns} keyOf={(one) => one.id} empty={<Empty title="Nothing was sent yet">Send a test to see whether your program answers.</Empty>} />
      </div>
    </Card>
  );
}

function Attempts({ one }: { one: Delivery }) {
  if (!one.attempts.length) return <span class="muted">{one.next_attempt_at ? `First one ${ago(one.next_attempt_at)}` : "None yet"}</span>;
  return (
    <ul class="attempts">
      {one.attempts.slice(-3).map((attempt) => (
        <li key={attempt.at} class="number attempt">
          {attempt.status ?? attempt.error?.replace(/_/g, " ") ?? "no answer"}, {duration(attempt.latency_ms)}
        </li>
      ))}
      {one.reason && <li class="muted">{one.reason.replace(/_/g, " ")}</li>}
      {one.state === "pending" && one.next_attempt_at && <li class="muted">next {ago(one.next_attempt_at)}</li>}
    </ul>
  );
}
