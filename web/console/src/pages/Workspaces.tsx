/** Which workspace to work in: make the first or another one, switch, join by an invitation's link. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../api/client";
import { useAction, useResource, useWhole } from "../api/resource";
import { useKey } from "../api/wish";
import { when } from "../format";
import { Button, Note, State } from "../parts/basics";
import { Field, Input, Select } from "../parts/fields";
import { Submit } from "../parts/form";
import { ErrorNote, Loaded } from "../parts/problem";
import { claims, renew, signOut, startAnew } from "../session/session";
import { Door, Unproved } from "./SignIn";

/** ISO 3166 codes; their names are the browser's own. */
const COUNTRIES =
  "AD AE AL AM AR AT AU AZ BA BB BD BE BG BH BN BO BR BS BW BY BZ CA CH CI CL CM CN CO CR CY CZ DE DK DO DZ EC EE EG ES FI FR GB GE GH GI GR GT HK HN HR HU ID IE IL IN IQ IS IT JM JO JP KE KH KR KW KZ LA LB LI LK LT LU LV MA MC MD ME MK MM MN MO MT MU MX MY NG NI NL NO NP NZ OM PA PE PH PK PL PT PY QA RO RS RW SA SE SG SI SK SM SN SV TH TN TR TT TW TZ UA UG US UY UZ VE VN ZA ZM ZW".split(" ");
const names = new Intl.DisplayNames(undefined, { type: "region" });
export const countries = COUNTRIES.map((value) => ({ value, label: names.of(value) ?? value })).sort((a, b) => a.label.localeCompare(b.label));
const moneys = new Intl.DisplayNames(undefined, { type: "currency" });

/** Those in which a plan is published, and the one that is chosen already. */
export function useCurrencies(chosen: string): { value: string; label: string }[] {
  const { data } = useResource("/api/currencies");
  return [...new Set([...(data?.currencies ?? []), chosen])].map((value) => ({ value, label: `${value}, ${moneys.of(value)}` }));
}

/** Founding and joining take a proved address; it may have been proved in another tab since the token was made. */
async function proved(): Promise<void> {
  if (claims.value?.email_verified === false) await renew();
}

function NewWorkspace({ first }: { first: boolean }) {
  const [name, setName] = useState("");
  const [country, setCountry] = useState(new Intl.Locale(navigator.language).region ?? "US");
  const [currency, setCurrency] = useState("USD");
  const key = useKey([name.trim(), country, currency]);
  const making = useAction(async () => {
    await proved();
    const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const { data } = await call("post", "/api/workspaces", { key, body: { name: name.trim(), country, currency, time_zone } });
    if (!first) await call("post", "/api/workspaces/{workspace}/switch", { path: { workspace: data.id } });
    startAnew();
  });
  const { problem } = making;
  return (
    <Submit label="New workspace" onSubmit={() => void making.run()}>
      <Field label="Workspace" hint="The business that the agents work for, as it stands on invoices." error={problem?.at("/name")}>
        <Input value={name} onInput={setName} placeholder="Linden Dental" autoComplete="organization" autoFocus required maxLength={100} />
      </Field>
      <Field label="Country" hint="Where the bills go; it decides about the tax." error={problem?.at("/country")}>
        <Select value={country} onChange={setCountry} options={countries} />
      </Field>
      <Field label="Currency" hint="It cannot be changed after the first charge." error={problem?.at("/currency")}>
        <Select value={currency} onChange={setCurrency} options={useCurrencies(currency)} />
      </Field>
      {problem?.code === "email_not_verified" ? <Unproved email={claims.value?.email} /> : problem && !problem.errors.length && <ErrorNote problem={problem} />}
      <Button kind="primary" submit busy={making.busy}>
        Make workspace
      </Button>
    </Submit>
  );
}

export function FirstWorkspace() {
  return (
    <Door title="Your workspace">
      <NewWorkspace first />
      <div class="row between muted">
        <span class="break">{claims.value?.email}</span>
        <button type="button" class="button quiet" onClick={signOut}>
          Sign out
        </button>
      </div>
    </Door>
  );
}

export default function Workspaces() {
  const mine = useWhole("/api/workspaces");
  const [making, setMaking] = useState(false);
  const switching = useAction(async (workspace: string) => {
    await call("post", "/api/workspaces/{workspace}/switch", { path: { workspace } });
    startAnew();
  });
  if (making)
    return (
      <Door title="Another workspace">
        <NewWorkspace first={false} />
        <Button kind="quiet" onClick={() => setMaking(false)}>
          Back
        </Button>
      </Door>
    );
  return (
    <Door title="Your workspaces">
      <Loaded from={mine}>
        {(data) => (
          <ul class="stack tight">
            {data.items.map((one) => (
              <li key={one.id} class="row between">
                <span class="grow break">
                  <strong dir="auto">{one.name}</strong> <span class="muted">{one.role}</span>
                </span>
                {one.state !== "active" && <State of={one.state} />}
                {one.id === claims.value?.workspace_id ? (
                  <a class="button" href="#/">
                    Go on here
                  </a>
                ) : (
                  <Button busy={switching.busy} onClick={() => void switching.run(one.id)}>
                    Switch
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {switching.problem && <ErrorNote problem={switching.problem} />}
      <Button icon="plus" onClick={() => setMaking(true)}>
        Make another workspace
      </Button>
    </Door>
  );
}

type Offer = Schemas["InvitationOffer"];

/** What is said of an invitation that is over. */
const OVER: Record<Exclude<Offer["state"], "waiting">, string> = {
  accepted: "This invitation was accepted. It is for one use.",
  revoked: "This invitation was taken back.",
  expired: "This invitation is over; it held for seven days.",
};

/** The page behind an invitation's link. */
export function Join({ token }: { token: string }) {
  const offer = useResource("/api/invitations/{token}/offer", { path: { token } });
  return (
    <Door title={offer.data ? `Join ${offer.data.workspace}` : "You are invited"}>
      <Loaded from={offer} lines={3}>
        {(of) => (of.state === "waiting" ? <Accept token={token} of={of} /> : <Note tone="warning">{OVER[of.state]} Ask {of.inviter} for another one, or <a href="#/">go on to your workspaces</a>.</Note>)}
      </Loaded>
      <Button kind="quiet" onClick={signOut}>
        Use another account
      </Button>
    </Door>
  );
}

function Accept({ token, of }: { token: string; of: Offer }) {
  const key = useKey(token);
  const joining = useAction(async () => {
    await proved();
    await call("post", "/api/invitations/{token}/accept", { path: { token }, key });
    startAnew();
  });
  return (
    <>
      <p class="break">
        {of.inviter} invites <strong>{claims.value?.email}</strong> as {of.role === "admin" || of.role === "owner" ? "an" : "a"} {of.role}, until {when(of.expires_at)}.
      </p>
      <p class="muted">You can leave again under Settings.</p>
      {joining.problem?.code === "email_not_verified" ? <Unproved email={claims.value?.email} /> : joining.problem && <ErrorNote problem={joining.problem} />}
      <Button kind="primary" busy={joining.busy} onClick={() => void joining.run()}>
        Join
      </Button>
    </>
  );
}
