/** A credit note: which lines of an invoice are credited, how much of each, and why. */

import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { useAction, useResource } from "../../api/resource";
import { amount, money } from "../../format";
import { toast } from "../../parts/dialog";
import { Checkbox, Field, Input } from "../../parts/fields";
import { Loaded } from "../../parts/problem";
import type { Schemas } from "../../api/client";
import { useKey } from "../../api/wish";
import { compare, sum, typed } from "../billing/exact";
import { type ActProps, Ask } from "./acts";

export function IssueCreditNote({ workspace, invoice, currency, done, onClose }: ActProps & { invoice: Schemas["InvoiceSummary"] }) {
  const whole = useResource("/api/operator/workspaces/{workspace}/invoices/{invoice}", { path: { workspace, invoice: invoice.id } });
  const [amounts, set] = useState<Record<string, string>>({});
  const [reason, setReason] = useState("");
  const chosen = Object.entries(amounts);
  const nets = chosen.map(([, text]) => ({ amount: typed(text) ?? "0", currency }));
  const total = sum(nets, currency);
  const body = { lines: chosen.map(([line_id], i) => ({ line_id, amount: nets[i]!, reason: reason.trim() })) };
  const key = useKey([invoice.id, body]);
  const act = useAction(async () => {
    const { data } = await call("post", "/api/operator/workspaces/{workspace}/invoices/{invoice}/credit-notes", { path: { workspace, invoice: invoice.id }, key, body });
    toast(`${data.number}: ${money(data.on_due)} off what was due, ${money(data.to_credit)} became credit`);
  });
  const lines = whole.data?.lines.filter((line) => line.kind !== "tax" && compare(line.amount, { amount: "0", currency }) > 0) ?? [];
  const tooMuch = lines.find((line) => amounts[line.id] !== undefined && typed(amounts[line.id]!) !== undefined && compare({ amount: typed(amounts[line.id]!)!, currency }, line.amount) > 0);
  const wrong = !chosen.length
    ? "Choose a line first"
    : chosen.some(([, text]) => typed(text) === undefined)
      ? "Write an amount at each line that is chosen"
      : tooMuch
        ? `At most ${money(tooMuch.amount)} can be credited of “${tooMuch.description}”`
        : !reason.trim() && "Say why first";
  return (
    <Ask title={`Issue a credit note for ${invoice.number}`} action={chosen.length ? `Credit ${money(total)} before tax` : "Issue credit note"} danger wrong={wrong} act={act} onClose={onClose} done={done} wide>
      <p>What is due ({money(invoice.due)}) falls by it; what is more than that becomes credit. Its tax comes on top by itself. It gets a number and cannot be taken back.</p>
      <Loaded from={whole}>
        {() => (
          <ul class="credit-lines" aria-label="Lines to credit">
            {lines.map((line) => (
              <li key={line.id}>
                <Checkbox
                  checked={line.id in amounts}
                  onChange={(on) =>
                    set((now) => {
                      const { [line.id]: _, ...rest } = now;
                      return on ? { ...now, [line.id]: line.amount.amount } : rest;
                    })
                  }
                  hint={`${amount(line.amount)} on the invoice`}
                >
                  <span class="break" dir="auto">
                    {line.description}
                  </span>
                </Checkbox>
                {line.id in amounts && <Input value={amounts[line.id]!} onInput={(text) => set((now) => ({ ...now, [line.id]: text }))} label={`Amount for ${line.description}, ${currency}`} inputMode="decimal" autoComplete="off" number />}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <Field label="Why" hint="It stands on the credit note." error={act.problem?.at("/lines/0/reason")}>
        <Input value={reason} onInput={setReason} maxLength={200} />
      </Field>
    </Ask>
  );
}
