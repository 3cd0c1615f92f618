/** Paying by card: what for, how much, and that nothing is taken before the card service's own page. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useAction, useHere, useResource } from "../../api/resource";
import { useKey } from "../../api/wish";
import { money } from "../../format";
import { Button, Facts, Note, Skeleton, State } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { Field, Input, Radios } from "../../parts/fields";
import { Submit } from "../../parts/form";
import { ErrorNote } from "../../parts/problem";
import { leaveToPay } from "./Checkout";
import { typed } from "./exact";

/** What a refusal means here, and what to do. */
const ADVICE: Record<string, string> = {
  invoice_state: "Nothing was charged. Somebody may have paid it already; the list of invoices shows it.",
  amount_not_by_card: "Nothing was charged. Pay by transfer and name the invoice number.",
  card_payments_off: "Nothing was charged. Pay by transfer and name the invoice number.",
};
const advice = (code: string) => ADVICE[code] ?? "Nothing was charged. Trying again asks for the same payment, never for a second one.";

const Leaving = () => <p class="muted">You leave for the card service’s page. Nothing is charged until you confirm there, and AgentHub never sees your card.</p>;

/** Which invoice, when more than one is due; without `invoice` it looks for all that are. */
export function Pay({ invoice, onClose }: { invoice?: Schemas["InvoiceSummary"]; onClose: () => void }) {
  const open = useResource("/api/invoices", invoice ? null : { query: { state: "open", page_size: 50 } });
  const overdue = useResource("/api/invoices", invoice ? null : { query: { state: "overdue", page_size: 50 } });
  const all = invoice ? [invoice] : [...(overdue.data?.items ?? []), ...(open.data?.items ?? [])];
  const [chosen, choose] = useState("");
  const one = all.find((item) => item.id === chosen) ?? all[0];
  const key = useKey(one?.id);
  const here = useHere();
  const paying = useAction(async () => leaveToPay({ invoice_id: one!.id, credit: null }, key, `invoice ${one!.number}`, here));
  const waiting = !invoice && !(open.data && overdue.data);
  const problem = open.problem ?? overdue.problem;
  return (
    <Dialog
      title={one && all.length === 1 ? `Pay invoice ${one.number}` : "Pay an invoice"}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" autoFocus busy={paying.busy} disabled={!one && "There is nothing to pay"} onClick={() => void paying.run()}>
            {one ? `Pay ${money(one.due)}` : "Pay"}
          </Button>
        </>
      }
    >
      {waiting && (problem ? <ErrorNote problem={problem} retry={open.reload} /> : <Skeleton lines={3} />)}
      {!waiting && !one && <Note>No invoice is due. A payment may have arrived in the meantime.</Note>}
      {all.length > 1 && (
        <fieldset class="stack tight">
          <legend class="field-label">Each invoice is paid by itself</legend>
          <Radios name="invoice" value={one!.id} onChange={choose} options={all.map((item) => ({ value: item.id, label: `${item.number ?? item.id}, ${money(item.due)}`, hint: item.state === "overdue" ? "Overdue" : undefined }))} />
        </fieldset>
      )}
      {one && all.length === 1 && (
        <Facts
          of={[
            ["Invoice", one.number ?? one.id],
            ["State", <State of={one.state} />],
            ["Total", money(one.total)],
            ["Due now", money(one.due)],
          ]}
        />
      )}
      {one && <Leaving />}
      {paying.problem && <ErrorNote problem={paying.problem} safe={advice(paying.problem.code)} retry={paying.problem.status === 409 ? undefined : paying.run} />}
    </Dialog>
  );
}

/** Credit pays later invoices before anything is due, the one that expires first before the others. */
export function BuyCredit({ currency, onClose }: { currency: string; onClose: () => void }) {
  const [text, setText] = useState("50");
  const [left, leave] = useState(false);
  const amount = typed(text);
  const credit = { amount: amount ?? "0", currency };
  const key = useKey(credit);
  const here = useHere();
  const paying = useAction(async () => leaveToPay({ invoice_id: null, credit }, key, "credit", here));
  const wrong = left && amount === undefined ? "Write an amount, such as 50 or 12.50." : undefined;
  return (
    <Dialog
      title="Buy credit"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={paying.busy} disabled={amount === undefined && "Write an amount first"} onClick={() => void paying.run()}>
            {amount === undefined ? "Buy credit" : `Buy credit for ${money(credit)}`}
          </Button>
        </>
      }
    >
      <p>Credit is used on your next invoices, before anything is due. It does not raise a cap.</p>
      <Submit onSubmit={() => void (amount !== undefined && paying.run())} label="Buy credit">
        <Field label={`Amount in ${currency}`} hint="From 5 to 100,000." error={paying.problem?.at("/credit") ?? wrong} onBlur={() => leave(true)}>
          <Input value={text} onInput={setText} inputMode="decimal" autoComplete="off" autoFocus number />
        </Field>
      </Submit>
      <Leaving />
      {paying.problem && !paying.problem.at("/credit") && <ErrorNote problem={paying.problem} safe={advice(paying.problem.code)} retry={paying.problem.status === 409 ? undefined : paying.run} />}
    </Dialog>
  );
}
