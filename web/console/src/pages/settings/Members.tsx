/** Who belongs to the workspace as what, and who is invited. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asProblem, changedSince, type Problem } from "../../api/problem";
import { forget, useAction, useWhole } from "../../api/resource";
import { useKey } from "../../api/wish";
import { ago, day } from "../../format";
import { Button, Card, Code, Note, State } from "../../parts/basics";
import { Confirm, Dialog, Menu, toast } from "../../parts/dialog";
import { Field, Input, Radios, Select } from "../../parts/fields";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { claims, may, type Role } from "../../session/session";

type Member = Schemas["Member"];
type Invitation = Schemas["Invitation"];

const ROLES: { value: Role; label: string; hint: string }[] = [
  { value: "viewer", label: "Viewer", hint: "Sees agents, conversations, figures and bills." },
  { value: "member", label: "Member", hint: "Also makes agents and widgets, answers hand-offs, sees leads." },
  { value: "admin", label: "Admin", hint: "Also manages members, keys, webhooks and caps, pays, erases." },
  { value: "owner", label: "Owner", hint: "Also chooses the plan and closes the workspace." },
];

/** What each role may do beyond the one below it, for who gives it up. */
const BEYOND: Record<Exclude<Role, "viewer">, string> = {
  member: "make and change agents and widgets, answer hand-offs, see leads",
  admin: "manage members, API keys, webhooks and caps, pay, erase",
  owner: "choose the plan, close the workspace",
};

const RANKS = ["viewer", "member", "admin", "owner"] as const satisfies Role[];

/** "an admin", "a member". */
const a = (role: Role): string => `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`;

const roleOf = (value: string): Role => ROLES.find((one) => one.value === value)?.value ?? "viewer";

export default function Members() {
  const members = useWhole("/api/workspace/members");
  const [inviting, setInviting] = useState(false);
  return (
    <div class="stack loose">
      <Card
        title="Members"
        aside={
          may("admin") && (
            <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>
              Invite a person
            </Button>
          )
        }
      >
        <Loaded from={members}>{(data) => <People people={data.items} reread={members.reload} />}</Loaded>
      </Card>
      {may("admin") && <Invitations />}
      {inviting && <Invite onClose={() => setInviting(false)} />}
    </div>
  );
}

/** The ETag of a member who is still as seen. The list carries none: the role is compared; `show` gets the member of now. */
async function tagOf(seen: Member, show?: (now: Member) => void): Promise<string | undefined> {
  const { data, etag } = await call("get", "/api/workspace/members/{member}", { path: { member: seen.id } });
  if (data.role === seen.role) return etag;
  show?.(data);
  throw changedSince();
}

function People({ people, reread }: { people: Member[]; reread: () => Promise<void> }) {
  const [removing, setRemoving] = useState<Member>();
  const [mine, setMine] = useState<{ one: Member; role: Role }>();
  const [problem, setProblem] = useState<Problem>();
  const [tries, setTries] = useState(0);
  const me = claims.value?.sub;
  const set = async (one: Member, role: Role): Promise<void> => {
    const path = { member: one.id };
    await call("patch", "/api/workspace/members/{member}", { path, etag: await tagOf(one), body: { role } });
    forget("/api/dashboard");
    // The own role decides what the whole console shows.
    if (one.id === me) forget("/api/workspace");
    else await reread();
  };
  const change = async (one: Member, role: Role) => {
    setProblem(undefined);
    try {
      await set(one, role);
      toast(`${one.name || one.email} is ${a(role)} now`, () => set({ ...one, role }, roleOf(one.role)));
    } catch (error) {
      setProblem(asProblem(error));
      // The field shows what was chosen; what is stored is another one.
      setTries((n) => n + 1);
      await reread();
    }
  };
  const mayTouch = (one: Member) => may("owner") || (may("admin") && one.role !== "owner");
  const columns: Column<Member>[] = [
    {
      id: "name",
      head: "Name",
      card: "title",
      cell: (one) => (
        <span dir="auto">
          {one.name || one.email}
          {one.id === me && <span class="muted"> (you)</span>}
        </span>
      ),
    },
    { id: "email", head: "Email", card: "detail", cell: (one) => <span class="break">{one.email}</span> },
    {
      id: "role",
      head: "Role",
      card: "detail",
      cell: (one) =>
        mayTouch(one) ? (
          <div class="role" key={`${one.id}${tries}`}>
            <Select
              label={`Role of ${one.name || one.email}`}
              value={one.role}
              onChange={(role) => (one.id === me ? setMine({ one, role: roleOf(role) }) : void change(one, roleOf(role)))}
              options={ROLES.filter(({ value }) => value !== "owner" || may("owner"))}
            />
          </div>
        ) : (
          (ROLES.find((known) => known.value === one.role)?.label ?? one.role)
        ),
    },
    { id: "since", head: "Since", card: "detail", cell: (one) => <span class="number">{day(one.since)}</span> },
    {
      id: "more",
      head: <span class="hidden">Actions</span>,
      card: "status",
      cell: (one) => (mayTouch(one) && one.id !== me ? <Menu kind="quiet" label={`More about ${one.name || one.email}`} items={[{ label: "Remove from workspace", danger: true, onSelect: () => setRemoving(one) }]} /> : null),
    },
  ];
  return (
    <div class="stack tight settings-table">
      {problem && <ErrorNote problem={problem} />}
      <Table label="Members" columns={columns} items={people} keyOf={(one) => one.id} />
      {mine && (
        <Confirm
          title={`Become ${a(mine.role)}?`}
          action={`Become ${a(mine.role)}`}
          onClose={() => {
            setMine(undefined);
            // The field shows the role of now again.
            setTries((n) => n + 1);
          }}
          act={async () => {
            await set(mine.one, mine.role);
            toast(`You are ${a(mine.role)} now`);
          }}
        >
          <p>At once you can no longer:</p>
          <ul class="lost">
            {RANKS.slice(RANKS.indexOf(mine.role) + 1, RANKS.indexOf(roleOf(mine.one.role)) + 1).map((role) => role !== "viewer" && <li key={role}>{BEYOND[role]}</li>)}
          </ul>
          <p>Only {mine.one.role === "owner" ? "another owner" : "an admin or owner"} can make you {a(roleOf(mine.one.role))} again.</p>
        </Confirm>
      )}
      {removing && (
        <Confirm
          title={`Remove ${removing.name || removing.email}?`}
          action="Remove member"
          onClose={() => setRemoving(undefined)}
          act={async () => {
            await call("delete", "/api/workspace/members/{member}", { path: { member: removing.id }, etag: await tagOf(removing, setRemoving) });
            forget("/api/dashboard");
            await reread();
            toast(`${removing.name || removing.email} is removed`);
          }}
        >
          <p>The access ends with the next call, on every device. What this person made stays, API keys too: they belong to the workspace.</p>
        </Confirm>
      )}
    </div>
  );
}

function Invitations() {
  const invitations = useWhole("/api/invitations");
  const [revoking, setRevoking] = useState<Invitation>();
  const columns: Column<Invitation>[] = [
    { id: "email", head: "Email", card: "title", cell: (one) => <span class="break">{one.email}</span> },
    { id: "role", head: "Role", card: "detail", cell: (one) => ROLES.find((known) => known.value === one.role)?.label ?? one.role },
    { id: "state", head: "State", card: "status", cell: (one) => <State of={one.state} /> },
    { id: "ends", head: "Ends", card: "detail", cell: (one) => <span class="number">{one.state === "waiting" ? ago(one.expires_at) : day(one.accepted_at ?? one.expires_at)}</span> },
    { id: "more", head: <span class="hidden">Actions</span>, card: "detail", cell: (one) => one.state === "waiting" && <Button onClick={() => setRevoking(one)}>Revoke</Button> },
  ];
  return (
    <Loaded from={invitations}>
      {({ items }) =>
        items.length > 0 && (
          <Card title="Invitations">
            <div class="settings-table">
              <Table label="Invitations" columns={columns} items={items} keyOf={(one) => one.id} />
            </div>
            {revoking && (
              <Confirm
                title={`Revoke the invitation of ${revoking.email}?`}
                action="Revoke invitation"
                onClose={() => setRevoking(undefined)}
                act={async () => {
                  await call("delete", "/api/invitations/{invitation}", { path: { invitation: revoking.id } });
                  forget("/api/invitations", "/api/audit-log", "/api/dashboard");
                  toast("The invitation is revoked");
                }}
              >
                <p>Its links are refused from now on. You can invite again.</p>
              </Confirm>
            )}
          </Card>
        )
      }
    </Loaded>
  );
}

/** Asks whom, then shows the link once. */
function Invite({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const key = useKey([email.trim(), role]);
  const [made, setMade] = useState<Schemas["InvitationWithLink"]>();
  const doing = useAction(async () => {
    const { data } = await call("post", "/api/invitations", { key, body: { email: email.trim(), role } });
    setMade(data);
    forget("/api/invitations", "/api/audit-log", "/api/dashboard");
  });
  if (made)
    return (
      <Dialog
        title={`${made.email} is invited`}
        onClose={onClose}
        footer={
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <p>A mail is on its way. You can send this link yourself, too; it is shown this once, works for that address alone, and until {day(made.expires_at)}.</p>
        <Code text={made.link} label="Invitation link" />
      </Dialog>
    );
  return (
    <Dialog
      title="Invite a person"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={doing.busy} disabled={!email.trim() && "Type an address first"} onClick={() => void doing.run()}>
            Invite person
          </Button>
        </>
      }
    >
      <form
        class="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (email.trim()) void doing.run();
        }}
      >
        <Field label="Email" error={doing.problem?.at("/email")} pointer="/email">
          <Input type="email" value={email} onInput={setEmail} autoFocus autoComplete="off" />
        </Field>
        <Field label="Role" group>
          <Radios name="role" value={role} onChange={(value) => setRole(roleOf(value))} options={ROLES.filter(({ value }) => value !== "owner" || may("owner"))} />
        </Field>
      </form>
      {doing.problem && !doing.problem.errors.length && <ErrorNote problem={doing.problem} safe="What you typed is still here." />}
      {role === "owner" && <Note tone="warning">An owner may do everything, closing the workspace and removing you included.</Note>}
    </Dialog>
  );
}
