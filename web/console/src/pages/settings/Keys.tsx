/** API keys: what each may do, when it was used, its end; made, changed, rotated and revoked here. */

import { useMemo, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, useAction, useHere, useResource, useWhole } from "../../api/resource";
import { useKey } from "../../api/wish";
import { ago, day, when } from "../../format";
import { Button, Card, Empty, Skeleton, State } from "../../parts/basics";
import { Confirm, Dialog, leaving, Menu, toast } from "../../parts/dialog";
import { Checkbox, Field, Input, Select } from "../../parts/fields";
import { Choose, useForm } from "../../parts/form";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { Secret } from "./Secret";

type Key = Schemas["ApiKey"];
type Scope = Schemas["NewApiKey"]["scopes"][number];
type KeyRole = Schemas["NewApiKey"]["role"];

const SCOPES: { value: Scope; label: string; hint: string }[] = [
  { value: "read", label: "Read", hint: "Everything that its role may see." },
  { value: "write", label: "Write", hint: "Change what its role may change." },
  { value: "chat", label: "Chat", hint: "Let agents answer; turns are charged." },
];
const KEY_ROLES: { value: KeyRole; label: string }[] = [
  { value: "viewer", label: "Viewer" },
  { value: "member", label: "Member" },
  { value: "admin", label: "Admin" },
];
const changed = () => forget("/api/workspace/api-keys", "/api/audit-log", "/api/dashboard");
const stateOf = (key: Key): string => (key.revoked_at ? "revoked" : key.expires_at && new Date(key.expires_at) <= new Date() ? "expired" : "active");

export default function Keys() {
  const keys = useWhole("/api/workspace/api-keys");
  const [making, setMaking] = useState(false);
  const [editing, setEditing] = useState<Key>();
  const [rotating, setRotating] = useState<Key>();
  const [revoking, setRevoking] = useState<Key>();
  const [secret, setSecret] = useState<Schemas["ApiKeyWithSecret"]>();
  const columns: Column<Key>[] = [
    { id: "name", head: "Name", card: "title", cell: (key) => <span dir="auto">{key.name}</span> },
    { id: "state", head: "State", card: "status", cell: (key) => <State of={stateOf(key)} /> },
    { id: "may", head: "May", card: "detail", cell: (key) => `${key.scopes.join(", ")} as ${key.role}` },
    { id: "used", head: "Last used", card: "detail", cell: (key) => <span class="number">{key.last_used_at ? ago(key.last_used_at) : "Never"}</span> },
    { id: "ends", head: "Ends", card: "detail", cell: (key) => <span class="number">{key.revoked_at ? `Revoked ${day(key.revoked_at)}` : key.expires_at ? day(key.expires_at) : "Never"}</span> },
    {
      id: "rotated",
      head: "Rotated",
      card: "detail",
      cell: (key) => <span>{key.old_secret_until ? `${ago(key.rotated_at)}; the old secret works until ${when(key.old_secret_until)}` : key.rotated_at ? ago(key.rotated_at) : "–"}</span>,
    },
    {
      id: "more",
      head: <span class="hidden">Actions</span>,
      card: "status",
      cell: (key) =>
        !key.revoked_at && (
          <Menu
            kind="quiet"
            label={`More about ${key.name}`}
            items={[
              { label: "Change key", onSelect: () => setEditing(key) },
              { label: "Rotate secret", onSelect: () => setRotating(key) },
              { label: "Revoke key", danger: true, onSelect: () => setRevoking(key) },
            ]}
          />
        ),
    },
  ];
  return (
    <Card
      title="API keys"
      aside={
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          New API key
        </Button>
      }
    >
      <p class="muted">
        A program exchanges a key for a token of one hour. See the <a href="/docs">developer reference</a>.
      </p>
      <Loaded from={keys}>
        {({ items }) =>
          items.length ? (
            <div class="settings-table">
              <Table label="API keys" columns={columns} items={items} keyOf={(key) => key.id} />
            </div>
          ) : (
            <Empty title="No API keys yet">A program of yours needs one to read figures, to change agents or to chat.</Empty>
          )
        }
      </Loaded>
      {making && (
        <New
          onClose={() => setMaking(false)}
          made={(key) => {
            setMaking(false);
            setSecret(key);
          }}
        />
      )}
      {editing && <Edit id={editing.id} onClose={() => setEditing(undefined)} />}
      {rotating && (
        <Rotate
          of={rotating}
          onClose={() => setRotating(undefined)}
          made={(key) => {
            setRotating(undefined);
            setSecret(key);
          }}
        />
      )}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          action="Revoke key"
          typed={revoking.name}
          onClose={() => setRevoking(undefined)}
          act={async () => {
            await call("delete", "/api/workspace/api-keys/{key}", { path: { key: revoking.id } });
            changed();
            toast(`${revoking.name} is revoked`);
          }}
        >
          <p>Programs that use it are refused at once, and it cannot be taken back. {revoking.last_used_at ? `It was last used ${ago(revoking.last_used_at)}.` : "It was never used."}</p>
        </Confirm>
      )}
      {secret && (
        <Secret
          title={`The secret of ${secret.name}`}
          parts={[
            { label: "client_id", text: secret.id },
            { label: "client_secret", text: secret.secret },
          ]}
          onStored={() => setSecret(undefined)}
        />
      )}
    </Card>
  );
}

const LIVES = [
  { value: "", label: "It never ends" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
];

function Scopes({ value, change, error }: { value: Scope[]; change: (scopes: Scope[]) => void; error?: string | undefined }) {
  return (
    <Field label="Scopes" group error={error} pointer="/scopes">
      <div class="choices">
        {SCOPES.map((scope) => (
          <Checkbox key={scope.value} checked={value.includes(scope.value)} hint={scope.hint} onChange={(on) => change(SCOPES.map((one) => one.value).filter((one) => (one === scope.value ? on : value.includes(one))))}>
            {scope.label}
          </Checkbox>
        ))}
      </div>
    </Field>
  );
}

const roleOf = (value: string): KeyRole => KEY_ROLES.find((one) => one.value === value)?.value ?? "member";

function New({ onClose, made }: { onClose: () => void; made: (key: Schemas["ApiKeyWithSecret"]) => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["read"]);
  const [role, setRole] = useState<KeyRole>("member");
  const [life, setLife] = useState("365");
  // Once for each choice: a retry of the same wish has the same words.
  const expires_at = useMemo(() => (life ? new Date(Date.now() + Number(life) * 86_400_000).toISOString() : null), [life]);
  const key = useKey([name.trim(), scopes, role, expires_at]);
  const doing = useAction(async () => {
    const { data } = await call("post", "/api/workspace/api-keys", { key, body: { name: name.trim(), scopes, role, expires_at } });
    changed();
    made(data);
  });
  const missing = !name.trim() ? "Give it a name first" : !scopes.length ? "Choose a scope first" : undefined;
  return (
    <Dialog
      title="New API key"
      onClose={onClose}
      footer={
        <>
          {missing && <span class="muted grow">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={doing.busy} disabled={missing} onClick={() => void doing.run()}>
            Make API key
          </Button>
        </>
      }
    >
      <Field label="Name" hint="Which program uses it." error={doing.problem?.at("/name")} pointer="/name">
        <Input value={name} onInput={setName} placeholder="Till" maxLength={80} autoFocus />
      </Field>
      <Scopes value={scopes} change={setScopes} error={doing.problem?.at("/scopes")} />
      <Field label="Role" hint="Within its scopes it may do what a person with this role may." error={doing.problem?.at("/role")}>
        <Select value={role} onChange={(value) => setRole(roleOf(value))} options={KEY_ROLES} />
      </Field>
      <Field label="End" error={doing.problem?.at("/expires_at")}>
        <Select value={life} onChange={setLife} options={LIVES} />
      </Field>
      {doing.problem && !doing.problem.errors.length && <ErrorNote problem={doing.problem} safe="What you typed is still here." />}
    </Dialog>
  );
}

interface Fields extends Record<string, unknown> {
  name: string;
  scopes: Scope[];
  role: KeyRole;
  expires_on: string;
}

const fieldsOf = (key: Key): Fields => ({ name: key.name, scopes: SCOPES.map((one) => one.value).filter((one) => key.scopes.includes(one)), role: roleOf(key.role), expires_on: key.expires_at?.slice(0, 10) ?? "" });

function Edit({ id, onClose }: { id: string; onClose: () => void }) {
  const path = { key: id };
  const read = useResource("/api/workspace/api-keys/{key}", { path });
  if (read.data && read.etag) return <EditForm stored={read.data} etag={read.etag} onClose={onClose} put={read.put} />;
  return (
    <Dialog title="Change API key" onClose={onClose}>
      {read.problem ? <ErrorNote problem={read.problem} retry={read.reload} /> : <Skeleton />}
    </Dialog>
  );
}

function EditForm({ stored, etag, onClose, put }: { stored: Key; etag: string; onClose: () => void; put: (key: Key, etag?: string) => void }) {
  const path = { key: stored.id };
  const here = useHere();
  const form = useForm<Fields>({
    stored: fieldsOf(stored),
    etag,
    save: async (_, all, tag) => {
      // The day as it was keeps its very moment; another one ends with its day.
      const expires_at = all.expires_on === (stored.expires_at?.slice(0, 10) ?? "") ? stored.expires_at : all.expires_on ? `${all.expires_on}T23:59:59Z` : null;
      await call("patch", "/api/workspace/api-keys/{key}", { path, etag: tag, body: { name: all.name.trim(), scopes: all.scopes, role: all.role, expires_at } });
      changed();
      toast("The key is changed");
      if (here()) onClose();
    },
    reread: async () => {
      const { data, etag: now } = await call("get", "/api/workspace/api-keys/{key}", { path });
      put(data, now);
      return { stored: fieldsOf(data), etag: now };
    },
    check: ({ name, scopes }) => ({ name: name.trim() ? undefined : "A key has a name.", scopes: scopes.length ? undefined : "Choose at least one." }),
  });
  const leave = leaving(form.dirty.length > 0, onClose);
  return (
    <Dialog
      title="Change API key"
      onClose={leave}
      footer={
        <>
          <Button onClick={leave}>Cancel</Button>
          <Button kind="primary" busy={form.busy} disabled={!form.dirty.length && "Nothing has changed"} onClick={() => void form.save()}>
            Save
          </Button>
        </>
      }
    >
      <Field label="Name" error={form.error("name")} pointer="/name" onBlur={() => form.touch("name")}>
        <Input value={form.values.name} onInput={(name) => form.set("name", name)} maxLength={80} />
      </Field>
      <Scopes value={form.values.scopes} change={(scopes) => form.set("scopes", scopes)} error={form.error("scopes")} />
      <Field label="Role" error={form.error("role")} pointer="/role">
        <Select value={form.values.role} onChange={(role) => form.set("role", roleOf(role))} options={KEY_ROLES} />
      </Field>
      <Field label="Last day" optional hint="Empty: it never ends. UTC." error={form.error("expires_on", "/expires_at")} pointer="/expires_at">
        <Input type="date" value={form.values.expires_on} onInput={(expires_on) => form.set("expires_on", expires_on)} />
      </Field>
      {form.problem && !form.problem.errors.length && <ErrorNote problem={form.problem} retry={form.save} safe="What you typed is still here." />}
      {form.conflict && <Choose form={form} names={{ name: "Name", scopes: "Scopes", role: "Role", expires_on: "Last day" }} />}
    </Dialog>
  );
}

const OVERLAPS = [
  { value: "0", label: "Stops at once" },
  { value: "1", label: "Works for an hour more" },
  { value: "24", label: "Works for a day more" },
  { value: "168", label: "Works for seven days more" },
];

function Rotate({ of, onClose, made }: { of: Key; onClose: () => void; made: (key: Schemas["ApiKeyWithSecret"]) => void }) {
  const [overlap, setOverlap] = useState("24");
  const key = useKey(overlap);
  return (
    <Confirm
      title={`Rotate the secret of ${of.name}?`}
      action="Rotate secret"
      danger={overlap === "0"}
      onClose={onClose}
      act={async () => {
        const { data } = await call("post", "/api/workspace/api-keys/{key}/rotate", { path: { key: of.id }, key, body: { overlap_hours: Number(overlap) } });
        changed();
        made(data);
      }}
    >
      <p>There will be a new secret, shown once. Programs need it before the old one ends.</p>
      <Field label="The old secret">
        <Select value={overlap} onChange={setOverlap} options={OVERLAPS} />
      </Field>
    </Confirm>
  );
}
