/** Billing: the running month, and what a workspace may decide about it; one tab each. */

import { useState } from "preact/hooks";
import "../../styles/money.css";
import { useResource } from "../../api/resource";
import { isZero, money } from "../../format";
import { Button } from "../../parts/basics";
import { Menu } from "../../parts/dialog";
import { Page, Tabs } from "../../parts/page";
import { to, useQuery, withQuery } from "../../routing";
import { may } from "../../session/session";
import { Caps } from "./Caps";
import { Returned } from "./Checkout";
import { Overview } from "./Overview";
import { BuyCredit, Pay } from "./Pay";
import { Payments } from "./Payments";
import { Plan } from "./Plan";
import { Profile } from "./Profile";
import { Simulate } from "./Simulate";
import { Usage } from "./Usage";

const TABS = [
  ["overview", "Overview"],
  ["usage", "Usage"],
  ["caps", "Caps and alerts"],
  ["plan", "Plan"],
  ["simulate", "Simulate"],
  ["payments", "Payments"],
  ["profile", "Profile"],
] as const;

export default function Billing() {
  const [query] = useQuery();
  const tab = TABS.find(([id]) => id === query.tab)?.[0] ?? "overview";
  const billing = useResource("/api/billing", {}, 60_000);
  const [asking, ask] = useState<"pay" | "credit">();
  const due = billing.data?.balance.due;
  const pays = due && !isZero(due) && may("admin");
  return (
    <Page
      title="Billing"
      updated={billing.at}
      actions={
        <>
          {pays && (
            <Button kind="primary" onClick={() => ask("pay")}>
              Pay {money(due)}
            </Button>
          )}
          <Button href={to("/billing/invoices")}>Invoices</Button>
          {may("admin") && <Menu label="More" items={[{ label: "Buy credit", onSelect: () => ask("credit") }, { label: "Export usage and invoices", href: to("/exports") }]} />}
        </>
      }
      tabs={<Tabs label="Billing" current={tab} tabs={TABS.map(([id, label]) => ({ id, label, href: withQuery("/billing", { tab: id === "overview" ? undefined : id }) }))} />}
    >
      {query.checkout && <Returned outcome={query.checkout} />}
      {tab === "overview" && <Overview billing={billing} buyCredit={() => ask("credit")} />}
      {tab === "usage" && <Usage />}
      {tab === "caps" && <Caps billing={billing.data} />}
      {tab === "plan" && <Plan billing={billing.data} />}
      {tab === "simulate" && <Simulate />}
      {tab === "payments" && <Payments buyCredit={() => ask("credit")} />}
      {tab === "profile" && <Profile />}
      {asking === "pay" && <Pay onClose={() => ask(undefined)} />}
      {asking === "credit" && <BuyCredit currency={billing.data?.currency ?? "USD"} onClose={() => ask(undefined)} />}
    </Page>
  );
}
