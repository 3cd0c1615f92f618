/** The way to the card service's page and back: what was begun is kept in this tab, so that the return can say what came of it. */

import { useEffect, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, usePolling } from "../../api/resource";
import { money } from "../../format";
import { Button, Note, Spinner } from "../../parts/basics";
import { to, useQuery } from "../../routing";

const KEY = "agenthub.checkout";
const PATIENCE = 90_000;

interface Begun {
  what: string;
  invoice_id: string | null;
  amount: Schemas["Money"];
  /** The payments that were there before: one that is not among them is this one. */
  before: string[];
  id: string;
}

/** Begin to pay and leave, unless it was given up meanwhile; throws Problem. The same key is the same page of the card service. */
export async function leaveToPay(body: Schemas["NewCheckout"], key: string, what: string, here: () => boolean): Promise<void> {
  const [{ data: checkout }, { data: payments }] = await Promise.all([call("post", "/api/payments/checkout", { key, body }), call("get", "/api/payments", { query: { page_size: 50 } })]);
  if (!here()) return;
  const begun: Begun = { what, invoice_id: body.invoice_id ?? null, amount: checkout.amount, before: payments.items.map((one) => one.id), id: checkout.id };
  sessionStorage.setItem(KEY, JSON.stringify(begun));
  location.assign(checkout.url);
}

function begun(): Begun | undefined {
  const kept = sessionStorage.getItem(KEY);
  return kept ? (JSON.parse(kept) as Begun) : undefined;
}

/** What happened on the card service's page; its word alone books nothing, so the payment itself is waited for. */
export function Returned({ outcome }: { outcome: string }) {
  const [, change] = useQuery();
  const [mine] = useState(begun);
  const [payment, setPayment] = useState<Schemas["Payment"]>();
  const [until] = useState(() => Date.now() + PATIENCE);
  const [late, setLate] = useState(false);
  const waiting = outcome === "paid" && mine !== undefined && !payment && !late;
  const look = async () => {
    const { data } = await call("get", "/api/payments", { query: { page_size: 50, ...(mine?.invoice_id ? { invoice_id: mine.invoice_id } : {}) } }).catch(() => ({ data: undefined }));
    const found = data?.items.find((one) => !mine!.before.includes(one.id) && one.invoice_id === mine!.invoice_id);
    if (found) {
      setPayment(found);
      forget("/api/billing", "/api/invoices", "/api/payments", "/api/dashboard");
    } else if (Date.now() > until) setLate(true);
  };
  useEffect(() => void (waiting && look()), []);
  usePolling(waiting ? 2000 : undefined, look);
  const done = () => {
    sessionStorage.removeItem(KEY);
    change({ checkout: undefined });
  };
  const close = (
    <div class="row">
      <Button onClick={done}>Close</Button>
    </div>
  );
  if (outcome !== "paid")
    return (
      <Note tone="warning" title="Nothing was paid" role="status">
        <p>You left the card service’s page before paying{mine ? ` ${money(mine.amount)} for ${mine.what}` : ""}. Nothing was charged.</p>
        {close}
      </Note>
    );
  if (payment)
    return (
      <Note tone={payment.state === "succeeded" ? "success" : "info"} title={payment.state === "succeeded" ? `${money(payment.amount)} arrived` : `${money(payment.amount)} is on its way`} role="status">
        <p>
          {payment.state === "succeeded" ? (mine?.invoice_id ? `It was paid on ${mine.what}. ` : "It is credit now, and pays your next invoices. ") : "A bank debit takes some days. Until then it stays due, and the payment is listed as pending. "}
          {mine?.invoice_id && <a href={to(`/billing/invoices/${mine.invoice_id}`)}>Open the invoice</a>}
        </p>
        {close}
      </Note>
    );
  return (
    <Note tone="info" title={mine ? `The card service took ${money(mine.amount)} for ${mine.what}` : "The card service took the payment"} role="status">
      {waiting ? <Spinner label="Waiting until it is booked here; that takes seconds." /> : <p>It is booked as soon as the card service tells us, and listed under Payments then. Do not pay again.</p>}
      {close}
    </Note>
  );
}
