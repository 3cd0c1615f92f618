/** One invoice: what it is made of down to the turn, what proves it, and what became of it. */

import { useState } from "preact/hooks";
import "../../styles/money.css";
import { raw, type Schemas } from "../../api/client";
import { useAction, usePages, useResource } from "../../api/resource";
import { save } from "../../charts/Chart";
import { billingDay, countryName, isZero, money, month } from "../../format";
import { Button, Card, Facts, Note, State } from "../../parts/basics";
import { Page } from "../../parts/page";
import { ErrorNote, Loaded } from "../../parts/problem";
import { Table } from "../../parts/table";
import { to } from "../../routing";
import { may } from "../../session/session";
import { Evidence } from "./Evidence";
import { History } from "./History";
import { invoiceName } from "./Invoices";
import { Lines, settled } from "./Lines";
import { Pay } from "./Pay";
import { paymentColumns } from "./Payments";

type Of = Schemas["Invoice"];

const PAYABLE = ["open", "overdue", "uncollectible"];

export default function Invoice({ invoice: id }: { invoice: string }) {
  const invoice = useResource("/api/invoices/{invoice}", { path: { invoice: id } });
  const data = invoice.data;
  const [paying, pay] = useState(false);
  const printing = usePdf(`/api/invoices/${id}/pdf`, data?.number ?? id);
  return (
    <Page
      title={data ? invoiceName(data) : "Invoice"}
      badge={data && <State of={data.state} />}
      updated={invoice.at}
      above={<a href={to("/billing/invoices")}>Invoices</a>}
      actions={
        data && (
          <>
            {PAYABLE.includes(data.state) && !isZero(data.due) && may("admin") && (
              <Button kind="primary" onClick={() => pay(true)}>
                Pay {money(data.due)}
              </Button>
            )}
            {data.number && (
              <Button icon="download" busy={printing.busy} onClick={() => void printing.run()}>
                Download PDF
              </Button>
            )}
          </>
        )
      }
    >
      {printing.problem && <ErrorNote problem={printing.problem} retry={printing.run} />}
      <Loaded from={invoice} lines={10}>
        {(of) => <Whole of={of} />}
      </Loaded>
      {paying && data && <Pay invoice={data} onClose={() => pay(false)} />}
    </Page>
  );
}

/** Fetch a printed document with the session's token and give it to the person. */
export function usePdf(path: string, name: string) {
  return useAction(async () => {
    const answer = await raw("GET", path, { headers: { Accept: "application/pdf" } });
    save(`${name}.pdf`, "application/pdf", await answer.blob());
  });
}

function Whole({ of }: { of: Of }) {
  const notes = useResource("/api/invoices/{invoice}/credit-notes", { path: { invoice: of.id } });
  const payments = usePages("/api/payments", { query: { invoice_id: of.id } });
  return (
    <div class="stack loose">
      {of.state === "draft" && (
        <Note tone="warning" title="A draft, which may still change">
          <p>Usage that comes late is added for a day. Then it gets its number and is final.</p>
        </Note>
      )}
      {of.state === "void" && (
        <Note title="This invoice was taken back">
          <p>
            Nothing is due on it; what had been paid is credit. {of.replaced_by && <a href={to(`/billing/invoices/${of.replaced_by}`)}>Open the one in its place</a>}
          </p>
        </Note>
      )}
      {of.replaces && (
        <Note>
          <p>
            It stands in place of a void one. <a href={to(`/billing/invoices/${of.replaces}`)}>Open that</a>
          </p>
        </Note>
      )}
      <div class="grid">
        <Card title={`Usage of ${month(of.period)}`} span={8}>
          <Facts
            of={[
              ["Issued", `${billingDay(of.issued_at)} (UTC)`],
              ["To be paid by", `${billingDay(of.due_at)} (UTC)`],
              ["Plan", <span dir="auto">{of.plan}, version {of.plan_version}</span>],
              ["Bill to", <Party of={of.bill_to} />],
              ["Seller", <Party of={of.seller} />],
              ["Payment", of.payment_terms],
            ]}
          />
        </Card>
        <Card title="Due" span={4}>
          <div class="figure">{money(of.due)}</div>
          <Facts
            of={[
              ["Total", <span class="number">{money(of.total)}</span>],
              ...settled(of).map(([name, value]): [string, preact.ComponentChildren] => [name, <span class="number">{money(value)}</span>]),
            ]}
          />
        </Card>
      </div>
      <Lines of={of} />
      <Evidence of={of} />
      <Card title="Payments">
        {payments.problem && <ErrorNote problem={payments.problem} retry={payments.reload} />}
        {payments.items.length > 0 ? <Table label="Payments of this invoice" columns={paymentColumns(false)} items={payments.items} keyOf={(one) => one.id} /> : !payments.problem && <p class="muted">{payments.loading ? "Loading" : "No payment has come in for it."}</p>}
      </Card>
      <Card title="Credit notes">
        <Loaded from={notes}>
          {(data) =>
            data.items.length ? (
              <Table
                label="Credit notes of this invoice"
                items={data.items}
                keyOf={(one) => one.id}
                columns={[
                  { id: "number", head: "Credit note", card: "title", cell: (one) => <a href={to(`/billing/credit-notes/${one.id}`)}>{one.number}</a> },
                  { id: "issued", head: "Issued (UTC)", card: "detail", cell: (one) => billingDay(one.issued_at) },
                  { id: "due", head: "Off what was due", card: "detail", number: true, cell: (one) => money(one.on_due) },
                  { id: "credit", head: "Became credit", card: "detail", number: true, cell: (one) => money(one.to_credit) },
                  { id: "total", head: "Total", card: "figure", number: true, cell: (one) => money(one.total) },
                ]}
              />
            ) : (
              <p class="muted">None.</p>
            )
          }
        </Loaded>
      </Card>
      <History of={of} />
    </div>
  );
}

function Party({ of }: { of: Schemas["Party"] }) {
  const lines = [of.name, ...of.address, of.country && countryName(of.country), of.vat_id && `VAT id ${of.vat_id}`, of.email].filter((one): one is string => Boolean(one));
  return (
    <span dir="auto">
      {lines.map((one, i) => (
        <span key={i} class="line-of">
          {one}
        </span>
      ))}
    </span>
  );
}
