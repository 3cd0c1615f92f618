/** The running month: what was charged beside the cap and the pace, what the plan makes of it, and where the workspace stands. */

import type { Schemas } from "../../api/client";
import { type Resource, useResource } from "../../api/resource";
import { amount, billingDay, drawn, isNegative, isZero, money, month, plural, share, when } from "../../format";
import { Badge, Button, Card, Empty, Facts, Note, State } from "../../parts/basics";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";
import { meter, terms } from "./terms";

type Of = Schemas["Billing"];

export const Provisional = () => <Badge tone="warning">Provisional</Badge>;

export function Overview({ billing, buyCredit }: { billing: Resource<Of>; buyCredit: () => void }) {
  return (
    <Loaded from={billing} lines={8}>
      {(data) => (
        <div class="stack loose">
          {data.trial_left && (
            <Note tone={isZero(data.trial_left) ? "warning" : "info"} title={`${money(data.trial_left)} left to try with`}>
              <p>A workspace that has never paid can try AgentHub up to that. Buying credit or paying an invoice ends the trial.</p>
              {may("admin") && (
                <div class="row">
                  <Button onClick={buyCredit}>Buy credit</Button>
                </div>
              )}
            </Note>
          )}
          <div class="beside">
            <div class="stack loose">
              <Card title={`Charge in ${month(data.period)}`} aside={<Provisional />}>
                <Spend of={data} />
              </Card>
              <Card title="The bill so far" aside={<Provisional />}>
                <Statement of={data} />
              </Card>
            </div>
            <div class="stack loose">
              <Card title="Balance">
                <Balance of={data} buyCredit={buyCredit} />
              </Card>
              <Card title="Plan" aside={<a href={to("/billing", { tab: "plan" })}>Change</a>}>
                <strong dir="auto">{data.plan.name}</strong>
                <ul class="stack tight">
                  {terms(data.plan).map((one) => (
                    <li key={one}>{one}</li>
                  ))}
                </ul>
                <p class="muted">Version {data.plan.version}</p>
              </Card>
              <Latest />
            </div>
          </div>
        </div>
      )}
    </Loaded>
  );
}

function Spend({ of }: { of: Of }) {
  const top = Math.max(drawn(of.charge_so_far), drawn(of.projection), of.cap ? drawn(of.cap) : 0, Number.MIN_VALUE);
  const at = (value: Schemas["Money"]) => `${Math.min(100, (drawn(value) / top) * 100)}%`;
  const used = of.cap && !isZero(of.cap) ? drawn(of.charge_so_far) / drawn(of.cap) : of.cap ? 1 : undefined;
  const over = of.cap && drawn(of.projection) > drawn(of.cap);
  const words = `${money(of.charge_so_far)}${of.cap ? ` of ${amount(of.cap)}` : ""}, about ${amount(of.projection)} by the month’s end`;
  return (
    <>
      <div class="row between">
        <span class="figure">{money(of.charge_so_far)}</span>
        <span class="muted">
          {of.cap ? (
            <>
              of the cap of <span class="number">{money(of.cap)}</span> ({share(used)})
            </>
          ) : (
            "No cap is set"
          )}
        </span>
      </div>
      <div class={`spend${used !== undefined && used >= 1 ? " danger" : used !== undefined && used >= 0.8 ? " warning" : ""}`} role="img" aria-label={words}>
        <span class="pace" style={{ inlineSize: at(of.projection) }} />
        <span class="now" style={{ inlineSize: at(of.charge_so_far) }} />
        {of.cap && <span class="cap-mark" style={{ insetInlineStart: at(of.cap) }} />}
      </div>
      <ul class="row legend">
        <li class="now">Charged {money(of.charge_so_far)}</li>
        <li class="pace">At this pace {money(of.projection)}</li>
        {of.cap && <li class="cap-mark">Cap {money(of.cap)}</li>}
      </ul>
      {over && (
        <Note tone="warning" title="At this pace the cap is met before the month ends">
          <p>
            From then on turns are refused, and visitors read the away message. <a href={to("/billing", { tab: "caps" })}>Look at the cap</a>
          </p>
        </Note>
      )}
      <details>
        <summary>How the pace is worked out</summary>
        <p class="muted">{of.projection_method}</p>
        <p class="muted">Knows what was spent up to {when(of.projection_as_of)}.</p>
      </details>
      <p class="muted">
        {of.as_of ? `Newest turn counted: ${when(of.as_of)}.` : "No turn was counted this month."} The month ends on {billingDay(of.ends_at)}, 00:00 UTC.
      </p>
    </>
  );
}

function Balance({ of, buyCredit }: { of: Of; buyCredit: () => void }) {
  const credits = useResource("/api/billing/credits", { query: { page_size: 10 } });
  return (
    <>
      <Facts
        of={[
          ["Due", <strong class="number">{money(of.balance.due)}</strong>],
          ["Of it overdue", isZero(of.balance.overdue) ? <span class="number">{money(of.balance.overdue)}</span> : <Badge tone="danger">{money(of.balance.overdue)}</Badge>],
          ["Credit", <span class="number">{money(of.balance.credit)}</span>],
        ]}
      />
      {credits.data && credits.data.grants.length > 0 && (
        <ul class="feed" aria-label="Credit in the order in which it is used">
          {credits.data.grants.map((grant) => (
            <li key={grant.id}>
              <span>{grantName(grant)}</span>
              <span class="number">{money(grant.remaining)}</span>
              <span class="muted">{grant.expires_at ? `Ends ${billingDay(grant.expires_at)} (UTC)` : "Does not end"}</span>
              {grant.state !== "live" && <State of={grant.state} />}
            </li>
          ))}
        </ul>
      )}
      {may("admin") && (
        <div class="row">
          <Button onClick={buyCredit}>Buy credit</Button>
        </div>
      )}
    </>
  );
}

const KINDS: Record<string, string> = {
  promotional: "Given",
  purchased: "Bought",
  overpayment: "Paid too much",
  credit_note: "From a credit note",
  invoice: "From an invoice below zero",
  returned: "From a void invoice",
};
export const grantName = (grant: { kind: string; reason: string | null }): string => grant.reason || KINDS[grant.kind] || grant.kind.replace(/_/g, " ");

/** What would stand on the invoice if the month ended now. */
function Statement({ of }: { of: Of }) {
  const rows: [string, Schemas["Money"], string?][] = [
    [`Usage, ${plural(of.usage.messages, "turn")}`, of.charge_so_far],
    ["Prices by quantity", of.tiers],
    ["Monthly price of the plan", of.fee],
    ["Included in the plan", of.allowance],
    ["Discount", of.discount],
    ["Up to the month’s minimum", of.minimum],
  ];
  const shown = rows.filter(([, value], i) => i === 0 || !isZero(value));
  return (
    <>
      <table class="sums">
        <caption class="hidden">The bill so far, in {of.currency}</caption>
        <tbody>
          {shown.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{amount(value)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">{of.reverse_charge ? "Tax, reverse charge" : `Tax${isZero({ amount: of.tax_rate, currency: of.currency }) ? "" : ` ${share(Number(of.tax_rate))}`}`}</th>
            <td class="number">{amount(of.tax)}</td>
          </tr>
          <tr class="total">
            <th scope="row">Total so far, {of.currency}</th>
            <td class="number">{amount(of.total)}</td>
          </tr>
          <tr>
            <th scope="row">At this pace by the month’s end</th>
            <td class="number">{amount(of.projected_total)}</td>
          </tr>
        </tbody>
      </table>
      {of.tax_note && <p class="muted">{of.tax_note}</p>}
      {of.by_quantity.length > 0 && (
        <p class="muted">
          Prices by quantity so far: {of.by_quantity.map((one) => `${one.quantity} ${meter(one.meter)}, ${money(one.amount)} instead of ${money(one.at_list)}`).join("; ")}.
        </p>
      )}
      <p class="muted">Everything here may still change until the invoice of the month is final{isNegative(of.total) ? "; what is below zero becomes credit" : ""}.</p>
    </>
  );
}

function Latest() {
  const invoices = useResource("/api/invoices", { query: { page_size: 3 } });
  return (
    <Card title="Latest invoices" aside={<a href={to("/billing/invoices")}>All invoices</a>}>
      <Loaded from={invoices}>
        {(data) =>
          data.items.length ? (
            <ul class="feed">
              {data.items.map((one) => (
                <li key={one.id}>
                  <a href={to(`/billing/invoices/${one.id}`)}>{one.number ?? `Draft of ${month(one.period)}`}</a>
                  <span class="number">{money(one.total)}</span>
                  <span class="muted">{month(one.period)}</span>
                  <State of={one.state} />
                </li>
              ))}
            </ul>
          ) : (
            <Empty title="No invoice yet">The first one is drafted when this month is over, and final a day later.</Empty>
          )
        }
      </Loaded>
    </Card>
  );
}
