/** What was paid, what came back of it, and the credit: what there is and what has moved it. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { useAction, usePages, useResource } from "../../api/resource";
import { billingDay, day, isZero, money, when } from "../../format";
import { Button, Card, Empty, Facts, State } from "../../parts/basics";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, List, Table } from "../../parts/table";
import { to } from "../../routing";
import { may } from "../../session/session";
import { grantName } from "./Overview";

type One = Schemas["Payment"];

const METHODS: Record<string, string> = { bank_transfer: "Transfer", card: "Card", cash: "Cash" };
export const method = (name: string): string => METHODS[name] ?? name.replace(/_/g, " ");

/** The columns of payments, here and on an invoice; `invoice` false where it is known. */
export function paymentColumns(invoice: boolean): Column<One>[] {
  return [
    { id: "received", head: "Received", card: "title", cell: (one) => when(one.received_at) },
    { id: "state", head: "State", card: "status", cell: (one) => <State of={one.state} /> },
    ...(invoice
      ? [{ id: "for", head: "For", card: "detail", cell: (one: One) => (one.invoice_id ? <a href={to(`/billing/invoices/${one.invoice_id}`)}>Invoice</a> : "Credit") } satisfies Column<One>]
      : []),
    {
      id: "how",
      head: "How",
      card: "detail",
      cell: (one) => (
        <span class="break" dir="auto">
          {method(one.method)}
          {(one.reference || one.note) && <span class="muted">, {[one.reference, one.note].filter(Boolean).join(", ")}</span>}
        </span>
      ),
    },
    { id: "refunded", head: "Given back", card: "detail", number: true, cell: (one) => (isZero(one.refunded) && !one.refunds.length ? "–" : <Refunds of={one} />) },
    { id: "amount", head: "Amount", card: "figure", number: true, cell: (one) => money(one.amount) },
  ];
}

function Refunds({ of }: { of: One }) {
  return (
    <ul class="stack tight">
      {of.refunds.map((one) => (
        <li key={one.id} class="refund">
          <span>{money(one.amount)}</span>{" "}
          <span class="muted">
            {one.disputed ? "taken back by the bank, " : ""}
            {day(one.at)}
            {one.state === "booked" ? "" : `, ${one.state}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Payments({ buyCredit }: { buyCredit: () => void }) {
  const payments = usePages("/api/payments");
  return (
    <div class="stack loose">
      <section class="stack">
        <h2>Payments</h2>
        <List
          label="Payments, the latest first"
          columns={paymentColumns(true)}
          pages={payments}
          keyOf={(one) => one.id}
          empty={
            <Empty title="Nothing was paid yet" action={<Button href={to("/billing/invoices")}>Open invoices</Button>}>
              Payments by card and by transfer are listed here, with what was given back of them.
            </Empty>
          }
        />
      </section>
      <CreditCard buyCredit={buyCredit} />
    </div>
  );
}

const MOVES: Record<string, string> = {
  credit_applied: "Used on an invoice",
  credit_granted: "Given",
  credit_expired: "Ended unused",
  credit_note_rest: "From a credit note",
  payment: "Paid in",
  refund: "Given back",
  void: "From a void invoice",
  reissue: "Used on the invoice that replaces another",
  invoiced: "From an invoice below zero",
};

function CreditCard({ buyCredit }: { buyCredit: () => void }) {
  const credits = useResource("/api/billing/credits", { query: { page_size: 50 } });
  const [older, setOlder] = useState<{ items: Schemas["CreditMovement"][]; token: string | null }>();
  const more = useAction(async (token: string) => {
    const { data } = await call("get", "/api/billing/credits", { query: { page_size: 50, page_token: token } });
    setOlder((now) => ({ items: [...(now?.items ?? []), ...data.movements], token: data.next_page_token }));
  });
  return (
    <Card title="Credit" aside={may("admin") && <Button onClick={buyCredit}>Buy credit</Button>}>
      <Loaded from={credits}>
        {(data) => {
          const token = older ? older.token : data.next_page_token;
          return (
            <>
              <Facts of={[["Left", <strong class="number">{money(data.balance)}</strong>]]} />
              {data.grants.length > 0 ? (
                <Table
                  label="Credit in the order in which it is used"
                  items={data.grants}
                  keyOf={(one) => one.id}
                  columns={[
                    { id: "what", head: "Used in this order", card: "title", cell: (one) => <span dir="auto">{grantName(one)}</span> },
                    { id: "state", head: "State", card: "status", cell: (one) => <State of={one.state} /> },
                    { id: "since", head: "Since (UTC)", card: "detail", cell: (one) => billingDay(one.granted_at) },
                    { id: "ends", head: "Ends (UTC)", card: "detail", cell: (one) => (one.expires_at ? billingDay(one.expires_at) : "Never") },
                    { id: "amount", head: "Was", card: "detail", number: true, cell: (one) => money(one.amount) },
                    { id: "left", head: "Left", card: "figure", number: true, cell: (one) => money(one.remaining) },
                  ]}
                />
              ) : (
                <p class="muted">There is no credit. What is bought or given pays the next invoices, what ends first before the rest.</p>
              )}
              {data.movements.length > 0 && (
                <>
                  <h3>What moved it</h3>
                  <Table
                    label="Movements of credit, the latest first"
                    items={[...data.movements, ...(older?.items ?? [])]}
                    keyOf={(one) => one.id}
                    columns={[
                      { id: "what", head: "What", card: "title", cell: (one) => MOVES[one.kind] ?? one.kind.replace(/_/g, " ") },
                      { id: "at", head: "When", card: "detail", cell: (one) => when(one.at) },
                      { id: "invoice", head: "Invoice", card: "detail", cell: (one) => (one.invoice_id ? <a href={to(`/billing/invoices/${one.invoice_id}`)}>Open</a> : "–") },
                      { id: "amount", head: "Amount", card: "figure", number: true, cell: (one) => money(one.amount) },
                    ]}
                  />
                </>
              )}
              {more.problem && <ErrorNote problem={more.problem} />}
              {token && (
                <div class="row">
                  <Button busy={more.busy} onClick={() => void more.run(token)}>
                    Load more
                  </Button>
                </div>
              )}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}
