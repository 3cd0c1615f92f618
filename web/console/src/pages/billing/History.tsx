/** What happened to an invoice, the newest first: from the workspace's own record of who did what. */

import type { Schemas } from "../../api/client";
import { usePages } from "../../api/resource";
import { when } from "../../format";
import { Card, State } from "../../parts/basics";
import { ErrorNote } from "../../parts/problem";
import { More } from "../../parts/table";

const WORDS: Record<string, string> = {
  "invoice.drafted": "Drafted",
  "invoice.finalized": "Made final",
  "invoice.overdue": "Not paid in time",
  "invoice.voided": "Taken back",
  "invoice.credited": "Credit note issued",
  "invoice.written_off": "Written off",
  "invoice.issued": "Issued",
  "invoice.reissued": "Drafted in place of a void one",
  "payment.recorded": "Payment recorded",
  "payment.received": "Payment arrived",
  "payment.begun": "Payment on its way",
  "payment.failed": "Payment did not come",
  "payment.disputed": "Payment disputed by the payer’s bank",
  "payment.refund_requested": "Refund asked for",
  "payment.refund_failed": "Refund came back",
  "payment.refunded": "Payment given back",
  "checkout.begun": "Payment by card begun",
};

const words = (action: string): string => WORDS[action] ?? action.replace(/[._]/g, " ").replace(/^./, (first) => first.toUpperCase());

/** A field of an entry, when it is text. */
const text = (of: Record<string, unknown> | null | undefined, name: string): string | undefined => (typeof of?.[name] === "string" ? of[name] : undefined);

export function History({ of }: { of: Schemas["Invoice"] }) {
  const entries = usePages("/api/dashboard/activity", { query: { kind: "invoice", subject: of.id } });
  return (
    <Card title="History">
      {entries.problem && <ErrorNote problem={entries.problem} retry={entries.again} />}
      <ol class="feed">
        {entries.items.map((one) => {
          const before = text(one.before, "state");
          const after = text(one.after, "state");
          return (
            <li key={one.id}>
              <span>
                {words(one.action)}
                {one.actor_name && (
                  <span class="muted" dir="auto">
                    , {one.actor_name}
                  </span>
                )}
              </span>
              <span class="number muted">{when(one.at)}</span>
              {after && after !== before && (
                <span class="row">
                  {before && <span class="muted">{before} to</span>}
                  <State of={after} />
                </span>
              )}
            </li>
          );
        })}
        {of.issued_at && !entries.items.some((one) => ["invoice.finalized", "invoice.issued"].includes(one.action)) && !entries.more && (
          <li>
            <span>Made final, as {of.number}</span>
            <span class="number muted">{when(of.issued_at)}</span>
          </li>
        )}
      </ol>
      {!of.issued_at && !entries.items.length && !entries.loading && <p class="muted">Drafted. Nothing else happened yet.</p>}
      <More of={entries} />
    </Card>
  );
}
