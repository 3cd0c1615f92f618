/** What the operator does about money: each says the amount and the effect before, and a retry repeats the same wish. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { useAction, useHere } from "../../api/resource";
import { useKey } from "../../api/wish";
import { isZero, money } from "../../format";
import { Button, Facts, Note } from "../../parts/basics";
import { Confirm, Dialog, leaving, toast } from "../../parts/dialog";
import { Checkbox, Field, Input } from "../../parts/fields";
import { Submit } from "../../parts/form";
import { ErrorNote } from "../../parts/problem";
import { compare, less, typed } from "../billing/exact";
import { invoiceName } from "../billing/Invoices";

export interface ActProps {
  workspace: string;
  name: string;
  currency: string;
  suspended: boolean;
  done: () => void;
  onClose: () => void;
}
type WithInvoice = ActProps & { invoice: Schemas["InvoiceSummary"] };

/** A refusal in words that fit here. */
const ADVICE: Record<string, string> = {
  invoice_state: "Nothing was changed. Its state is another by now: close this and look at the list again.",
  usage_reported: "Nothing was changed: close this and look at the list again.",
  not_refundable: "Nothing was given back.",
  idempotency_conflict: "Nothing was changed. Close this and begin anew.",
};

/** A dialog with fields: what is asked, what it does, and the errors in place. Of what is dangerous, Cancel has the focus. */
export function Ask({ title, action, danger, wrong, act, onClose, done, children, wide }: { title: string; action: string; danger?: boolean; wrong?: string | false | undefined; act: ReturnType<typeof useAction<[]>>; onClose: () => void; done: () => void; children: preact.ComponentChildren; wide?: boolean }) {
  const [given, setGiven] = useState(false);
  const here = useHere();
  const leave = leaving(given, onClose);
  const run = async () => {
    if (wrong || !(await act.run())) return;
    done();
    if (here()) onClose();
  };
  return (
    <Dialog
      title={title}
      onClose={leave}
      wide={wide ?? false}
      footer={
        <>
          <Button onClick={leave} autoFocus={danger ?? false}>
            Cancel
          </Button>
          <Button kind={danger ? "danger" : "primary"} busy={act.busy} disabled={wrong} onClick={() => void run()}>
            {action}
          </Button>
        </>
      }
    >
      <Submit onSubmit={() => void run()} label={title}>
        {/* Of each kind of field the event comes up to here. */}
        <div class="stack" onInput={() => setGiven(true)}>
          {children}
        </div>
        {wrong && <p class="muted">{wrong}.</p>}
        {act.problem && <ErrorNote problem={act.problem} safe={ADVICE[act.problem.code] ?? "Nothing was changed, or it was done already: trying again does it at most once."} />}
      </Submit>
    </Dialog>
  );
}

export function Finalize({ workspace, invoice, done, onClose }: WithInvoice) {
  const key = useKey(["finalize", invoice.id]);
  const act = async () => {
    const { data } = await call("post", "/api/operator/workspaces/{workspace}/invoices/{invoice}/finalize", { path: { workspace, invoice: invoice.id }, key });
    done();
    toast(`${data.number} is final: ${money(data.due)} due`);
  };
  return (
    <Confirm title={`Finalize ${invoiceName(invoice)}?`} action={`Finalize invoice of ${money(invoice.total)}`} act={act} onClose={onClose} danger={false}>
      <p>It gets its number and is frozen: {money(invoice.due)} becomes due. Usage that comes later goes on the next invoice. This cannot be taken back, only voided.</p>
    </Confirm>
  );
}

export function Void({ workspace, invoice, done, onClose }: WithInvoice) {
  const [reissue, setReissue] = useState(true);
  const key = useKey(["void", invoice.id, reissue]);
  const act = async () => {
    await call("post", "/api/operator/workspaces/{workspace}/invoices/{invoice}/void", { path: { workspace, invoice: invoice.id }, key, body: { reissue } });
    done();
    toast(`${invoice.number} is void`);
  };
  return (
    <Confirm title={`Void invoice ${invoice.number}?`} action={`Void invoice ${invoice.number}`} typed={invoice.number ?? ""} act={act} onClose={onClose}>
      <p>
        {money(invoice.total)} is taken back: {money(invoice.due)} is no longer due{isZero(invoice.paid) ? "" : `, and the ${money(invoice.paid)} paid becomes credit`}. Its number stays used. This cannot be undone.
      </p>
      <Checkbox checked={reissue} onChange={setReissue} hint="Its month is drafted again under a new number; without, its usage is never billed.">
        Draft another in its place
      </Checkbox>
    </Confirm>
  );
}

export function WriteOff({ workspace, invoice, done, onClose }: WithInvoice) {
  const [reason, setReason] = useState("");
  const body = { reason: reason.trim() };
  const key = useKey([invoice.id, body]);
  const act = useAction(async () => {
    await call("post", "/api/operator/workspaces/{workspace}/invoices/{invoice}/uncollectible", { path: { workspace, invoice: invoice.id }, key, body });
    toast(`${money(invoice.due)} of ${invoice.number} is written off`);
  });
  return (
    <Ask title={`Write off ${invoice.number}`} action={`Write off ${money(invoice.due)}`} danger wrong={!body.reason && "Say why first"} act={act} onClose={onClose} done={done}>
      <p>{money(invoice.due)} is not expected any more: revenue and tax are taken back, the invoice is uncollectible. A payment that comes after all brings them back.</p>
      <Field label="Why" error={act.problem?.at("/reason")}>
        <Input value={reason} onInput={setReason} maxLength={200} />
      </Field>
    </Ask>
  );
}

const ask = "Write an amount, such as 12.50";

export function RecordPayment({ workspace, invoice, currency, done, onClose }: WithInvoice) {
  const [text, setText] = useState(invoice.due.amount);
  const [reference, setReference] = useState("");
  const [day, setDay] = useState("");
  const plain = typed(text);
  const amount = { amount: plain ?? "0", currency };
  const body = { invoice_id: invoice.id, amount, method: "bank_transfer", reference: reference.trim() || null, note: null, received_at: day ? `${day}T12:00:00Z` : null };
  const key = useKey(body);
  const act = useAction(async () => {
    await call("post", "/api/operator/workspaces/{workspace}/payments", { path: { workspace }, key, body });
    toast(`${money(amount)} is recorded for ${invoice.number}`);
  });
  const order = compare(amount, invoice.due);
  return (
    <Ask title={`Record a payment for ${invoice.number}`} action={plain === undefined ? "Record payment" : `Record payment of ${money(amount)}`} wrong={plain === undefined && ask} act={act} onClose={onClose} done={done}>
      <Facts of={[["Due", money(invoice.due)]]} />
      <Field label={`Amount, ${currency}`} error={act.problem?.at("/amount")}>
        <Input value={text} onInput={setText} inputMode="decimal" autoComplete="off" number autoFocus />
      </Field>
      <Field label="Reference" hint="Such as the statement’s line." error={act.problem?.at("/reference")} optional>
        <Input value={reference} onInput={setReference} maxLength={200} />
      </Field>
      <Field label="Received on (UTC)" hint="Empty: now." error={act.problem?.at("/received_at")} optional>
        <Input type="date" value={day} onInput={setDay} />
      </Field>
      {plain !== undefined && <p>{order === 0 ? "It pays the invoice in full." : order < 0 ? `${money(less(invoice.due, amount))} stays due.` : `It pays the invoice; ${money(less(amount, invoice.due))} more than is due becomes credit.`}</p>}
    </Ask>
  );
}

export function Refund({ workspace, payment, done, onClose }: ActProps & { payment: Schemas["Payment"] }) {
  const left = less(payment.amount, payment.refunded);
  const [text, setText] = useState(left.amount);
  const [note, setNote] = useState("");
  const [word, setWord] = useState("");
  const plain = typed(text);
  const amount = { amount: plain ?? "0", currency: left.currency };
  const body = { amount, note: note.trim() || null };
  const key = useKey([payment.id, body]);
  const act = useAction(async () => {
    await call("post", "/api/operator/workspaces/{workspace}/payments/{payment}/refund", { path: { workspace, payment: payment.id }, key, body });
    toast(`${money(amount)} is given back`);
  });
  return (
    <Ask
      title="Give a payment back"
      action={plain === undefined ? "Give back" : `Give back ${money(amount)}`}
      danger
      wrong={plain === undefined ? ask : compare(amount, left) > 0 ? `At most ${money(left)} is left of this payment` : word.trim() !== amount.amount && `Type ${amount.amount} below to go on`}
      act={act}
      onClose={onClose}
      done={done}
    >
      <p>
        {payment.method === "card" ? "The card service gives it back to the card." : "The money has to be sent by the bank; here it is booked."} It is taken out of the customer’s credit first; the rest is due again on the invoice. This cannot be undone.
      </p>
      <Facts of={[["Paid", money(payment.amount)], ["Given back so far", money(payment.refunded)], ["Left", money(left)]]} />
      <Field label={`Amount, ${left.currency}`} error={act.problem?.at("/amount")}>
        <Input value={text} onInput={setText} inputMode="decimal" autoComplete="off" number />
      </Field>
      <Field label="Note" error={act.problem?.at("/note")} optional>
        <Input value={note} onInput={setNote} maxLength={200} />
      </Field>
      <Field label="Type the amount once more">
        <Input value={word} onInput={setWord} inputMode="decimal" autoComplete="off" number />
      </Field>
    </Ask>
  );
}

export function GrantCredit({ workspace, name, currency, done, onClose }: ActProps) {
  const [text, setText] = useState("");
  const [reason, setReason] = useState("");
  const [day, setDay] = useState("");
  const plain = typed(text);
  const amount = { amount: plain ?? "0", currency };
  const body = { amount, reason: reason.trim(), expires_at: day ? `${day}T00:00:00Z` : null };
  const key = useKey(body);
  const act = useAction(async () => {
    await call("post", "/api/operator/workspaces/{workspace}/credits", { path: { workspace }, key, body });
    toast(`${money(amount)} of credit is given to ${name}`);
  });
  return (
    <Ask title={`Grant credit to ${name}`} action={plain === undefined ? "Grant credit" : `Grant credit of ${money(amount)}`} wrong={plain === undefined ? ask : !body.reason && "Say why first"} act={act} onClose={onClose} done={done}>
      <p>It pays the next invoices before what was paid for. What is left at its end is taken back.</p>
      <Field label={`Amount, ${currency}`} error={act.problem?.at("/amount")}>
        <Input value={text} onInput={setText} inputMode="decimal" autoComplete="off" number autoFocus />
      </Field>
      <Field label="Why" hint="The workspace reads it." error={act.problem?.at("/reason")}>
        <Input value={reason} onInput={setReason} maxLength={200} />
      </Field>
      <Field label="Ends on (UTC)" hint="Empty: never." error={act.problem?.at("/expires_at")} optional>
        <Input type="date" value={day} onInput={setDay} />
      </Field>
    </Ask>
  );
}

export function Suspend({ workspace, name, suspended, done, onClose }: ActProps) {
  const [reason, setReason] = useState("");
  const act = useAction(async () => {
    await call("put", "/api/operator/workspaces/{workspace}/suspension", { path: { workspace }, body: { suspended: !suspended, reason: reason.trim() } });
    toast(suspended ? `${name} works again` : `${name} is suspended`);
  });
  return (
    <Ask title={suspended ? `Lift the suspension of ${name}` : `Suspend ${name}`} action={suspended ? "Lift suspension" : "Suspend workspace"} danger={!suspended} wrong={!reason.trim() && "Say why first"} act={act} onClose={onClose} done={done}>
      {suspended ? <p>Its agents answer again with the next turn.</p> : <Note tone="warning">Its agents stop answering: visitors read the away message. Its people still read everything and can pay. It can be lifted at any time.</Note>}
      <Field label="Why" hint="The workspace reads it." error={act.problem?.at("/reason")}>
        <Input value={reason} onInput={setReason} maxLength={200} autoFocus={suspended} />
      </Field>
    </Ask>
  );
}
