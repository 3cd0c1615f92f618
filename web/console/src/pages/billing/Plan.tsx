/** The plan: what is agreed, what can be chosen and from when, and what prices it rests on. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asShown } from "../../api/problem";
import { forget, type Resource, useResource } from "../../api/resource";
import { billingDay, count, money, month } from "../../format";
import { Badge, Button, Card, Note } from "../../parts/basics";
import { Confirm, toast } from "../../parts/dialog";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";
import { compare } from "./exact";
import { PriceBook } from "./PriceBook";
import { countsMonth, meter, price, terms } from "./terms";

type Terms = Schemas["Plan"];

export function Plan({ billing }: { billing: Schemas["Billing"] | undefined }) {
  const agreed = useResource("/api/billing/plan");
  const [wanted, want] = useState<Terms>();
  return (
    <Loaded from={agreed} lines={8}>
      {(data) => (
        <div class="stack loose">
          {data.next && data.next_from_month && (
            <Note title={`${data.next.name} begins on ${billingDay(`${data.next_from_month}-01`)}`}>
              <p>Until then {data.current.name} holds. Choosing {data.current.name} again below takes that back.</p>
            </Note>
          )}
          <div class="plans">
            {offers(data).map((plan) => {
              const current = plan.plan === data.current.plan;
              const next = plan.plan === data.next?.plan;
              return (
                <Card key={plan.plan} title={<span dir="auto">{plan.name}</span>} aside={current ? <Badge tone="success">Your plan</Badge> : next ? <Badge tone="info">From {billingDay(`${data.next_from_month}-01`)}</Badge> : undefined}>
                  <ul class="terms grow">
                    {terms(plan).map((one) => (
                      <li key={one}>{one}</li>
                    ))}
                  </ul>
                  <Quantities plan={plan} {...(current ? { so_far: billing?.by_quantity ?? [] } : {})} />
                  <p class="muted">
                    Version {plan.version}
                    {current && data.from_month ? `, since ${month(data.from_month)}` : ""}
                  </p>
                  <div class="row">
                    {may("owner") && (current ? data.next : !next) && (
                      <Button onClick={() => want(plan)}>{current ? `Keep ${plan.name}` : `Choose ${plan.name}`}</Button>
                    )}
                    {!current && <Button kind="quiet" href={to("/billing", { tab: "simulate", a: plan.plan })}>Simulate</Button>}
                  </div>
                </Card>
              );
            })}
          </div>
          {!may("owner") && <p class="muted">The plan is chosen by an owner.</p>}
          <PriceBook />
          {wanted && <Choose plan={wanted} agreed={agreed} data={data} used={Boolean(billing?.usage.messages)} onClose={() => want(undefined)} />}
        </div>
      )}
    </Loaded>
  );
}

/** Those to choose from, and the current one even when it is not offered any more. */
const offers = (data: Schemas["AgreedPlan"]): Terms[] => [data.current, ...data.available.filter((one) => one.plan !== data.current.plan)];

const lower = (plan: Terms, than: Terms): boolean => compare(plan.monthly_fee, than.monthly_fee) < 0 || compare(plan.minimum, than.minimum) < 0;

/** When a choice would hold: what is lower, and what counts whole months, begins with the next one. */
function begins(plan: Terms, current: Terms, used: boolean): "now" | "next" {
  return lower(plan, current) || (used && (countsMonth(plan) || countsMonth(current))) ? "next" : "now";
}

function nextMonth(): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString().slice(0, 10);
}

function Choose({ plan, agreed, data, used, onClose }: { plan: Terms; agreed: Resource<Schemas["AgreedPlan"]>; data: Schemas["AgreedPlan"]; used: boolean; onClose: () => void }) {
  const back = plan.plan === data.current.plan;
  const at = begins(plan, data.current, used);
  return (
    <Confirm
      title={back ? `Keep ${plan.name}?` : `Choose ${plan.name}?`}
      action={back ? `Keep ${plan.name}` : `Choose ${plan.name}, ${money(plan.monthly_fee)} a month`}
      danger={false}
      onClose={onClose}
      act={async () => {
        const { data: now, etag } = await asShown(() => call("put", "/api/billing/plan", { etag: agreed.etag, body: { plan: plan.plan } }), agreed.reload);
        agreed.put(now, etag);
        forget("/api/billing", "/api/dashboard");
        toast(now.next && now.next_from_month ? `${now.next.name} begins on ${billingDay(`${now.next_from_month}-01`)}` : `${now.current.name} holds from now on`);
      }}
    >
      <ul class="terms">
        {terms(plan).map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
      <p>
        {back
          ? "The change that was planned is taken back; nothing else changes."
          : at === "now"
            ? `It is expected to hold at once: the month’s price of ${money(plan.monthly_fee)} stands on this month’s invoice, and turns from now on are charged at its prices. Turns so far stay as they were charged. Where that would take the month above its cap, it begins with the next one.`
            : `It is expected to begin on ${billingDay(nextMonth())}: ${lower(plan, data.current) ? "a plan with a lower monthly price or minimum starts with a month" : "its prices count a whole month, and this one was used already"}. Until then ${data.current.name} holds.`}
      </p>
    </Confirm>
  );
}

/** Prices by quantity in full, with what this month's quantity makes of them so far. */
function Quantities({ plan, so_far }: { plan: Terms; so_far?: Schemas["QuantityPrice"][] }) {
  const own = plan.unit_prices.filter((one) => one.model);
  return (
    <>
      {own.length > 0 && (
        <details>
          <summary>Prices for single models</summary>
          <ul class="stack tight muted">
            {own.map((one) => (
              <li key={`${one.meter}${one.model}`}>{price(one)}</li>
            ))}
          </ul>
        </details>
      )}
      {so_far?.map((one) => (
        <p key={`${one.meter}${one.model ?? ""}`} class="muted">
          {count(one.quantity)} {meter(one.meter)} so far: {money(one.amount)} instead of {money(one.at_list)} at list price.
        </p>
      ))}
    </>
  );
}
