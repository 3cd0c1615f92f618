/** What proves an invoice: signed counts and digests, and whether the stored events still give the same. */

import { call, type Schemas } from "../../api/client";
import { useAction, useResource } from "../../api/resource";
import { useState } from "preact/hooks";
import { save } from "../../charts/Chart";
import { billingDay, count, plural, when } from "../../format";
import { Badge, Button, Card, Copy, Facts, Note } from "../../parts/basics";
import { ErrorNote, Loaded } from "../../parts/problem";
import { Table } from "../../parts/table";
import { decimal } from "./exact";

type Check = Schemas["EvidenceCheck"];

export function Evidence({ of }: { of: Schemas["Invoice"] }) {
  if (!of.number)
    return (
      <Card title="Evidence">
        <p class="muted">It is made and signed when the invoice becomes final.</p>
      </Card>
    );
  return <Signed id={of.id} number={of.number} />;
}

const inMoney = (amountNanos: number, currency: string): string => `${currency} ${decimal(BigInt(amountNanos))}`;

function Signed({ id, number }: { id: string; number: string }) {
  const evidence = useResource("/api/invoices/{invoice}/evidence", { path: { invoice: id } });
  const keys = useResource("/api/billing/evidence-keys");
  const [check, setCheck] = useState<Check>();
  const verifying = useAction(async () => {
    setCheck(undefined);
    setCheck((await call("post", "/api/invoices/{invoice}/evidence/verify", { path: { invoice: id } })).data);
  });
  return (
    <Card
      title="Evidence"
      aside={
        evidence.data && (
          <>
            <Button icon="download" onClick={() => save(`${number}-evidence.json`, "application/json", JSON.stringify(evidence.data, undefined, 2))}>
              Download JSON
            </Button>
            <Button icon="check" busy={verifying.busy} onClick={() => void verifying.run()}>
              Verify evidence
            </Button>
          </>
        )
      }
    >
      <Loaded from={evidence} lines={5}>
        {(data) => {
          const key = keys.data?.keys.find((one) => one.id === data.key_id);
          return (
            <Facts
              of={[
                ["Events", `${count(data.usage.count)}, with ${plural(data.usage.messages, "turn")} in ${plural(data.usage.conversations, "conversation")}`],
                ["Tokens", `${count(data.usage.input_tokens)} input, ${count(data.usage.cached_input_tokens)} cached, ${count(data.usage.output_tokens)} output, ${count(data.usage.reasoning_tokens)} reasoning`],
                ["Charge", inMoney(data.usage.charge_nanos, data.currency)],
                ["Rounding in all", inMoney(data.rounding_nanos, data.currency)],
                ["Prices", `Price book ${data.price_versions.join(", ") || "–"}, plan ${data.plan_versions.join(", ")}`],
                ["Digest of the events", <Digest text={data.usage.digest} label="Copy digest" />],
                ["Digest of the invoice", <Digest text={data.invoice_digest} label="Copy digest" />],
                [
                  "Signed with",
                  <span class="stack tight">
                    <span class="row">
                      {key?.algorithm ?? "Ed25519"}
                      {key && (key.current ? <Badge tone="success">Current key</Badge> : <Badge>Earlier key</Badge>)}
                      {key?.since && <span class="muted">since {billingDay(key.since)}</span>}
                    </span>
                    <Digest text={data.key_id} label="Copy key id" />
                  </span>,
                ],
              ]}
            />
          );
        }}
      </Loaded>
      {verifying.problem && <ErrorNote problem={verifying.problem} retry={verifying.run} />}
      <div aria-live="polite" class="stack">
        {check && <Result of={check} currency={evidence.data?.currency ?? ""} />}
      </div>
      <p class="muted">The digest names every event: change one, and it is another. You can work it out yourself from an export of usage; the developer reference has a script.</p>
    </Card>
  );
}

const Digest = ({ text, label }: { text: string; label: string }) => (
  <span class="row">
    <code class="break">{text}</code>
    <Copy text={text} label={label} />
  </span>
);

function Result({ of, currency }: { of: Check; currency: string }) {
  if (of.verified)
    return (
      <Note tone="success" title="Equal">
        <p>
          All {count(of.found.count)} events were read again at {when(of.checked_at)}: count, charge of {inMoney(of.found.charge_nanos, currency)}, digest and signature are the same.
        </p>
      </Note>
    );
  return (
    <Note tone="danger" title="Something differs">
      <p>
        Evidence: {count(of.expected.count)} events, {inMoney(of.expected.charge_nanos, currency)}. Read again: {count(of.found.count)} events, {inMoney(of.found.charge_nanos, currency)}. A charge is never changed by this; tell us, with the invoice’s number.
      </p>
      <Table
        label="What differs"
        items={of.differences}
        keyOf={(one) => `${one.where} ${one.name}`}
        columns={[
          { id: "where", head: "Where", card: "title", cell: (one) => `${one.where.charAt(0).toUpperCase()}${one.where.slice(1)}` },
          { id: "name", head: "Which", card: "detail", cell: (one) => <span class="break">{one.name}</span> },
          { id: "expected", head: "Evidence", card: "detail", number: true, cell: (one) => (one.expected ? `${count(one.expected.count)}, ${inMoney(one.expected.charge_nanos, currency)}` : "–") },
          { id: "found", head: "Read again", card: "detail", number: true, cell: (one) => (one.found ? `${count(one.found.count)}, ${inMoney(one.found.charge_nanos, currency)}` : "–") },
        ]}
      />
      {of.more > 0 && <p>{count(of.more)} more differ.</p>}
    </Note>
  );
}
