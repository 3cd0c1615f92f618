/** One credit note: what it takes back of an invoice, and where that went. */

import "../../styles/money.css";
import { useResource } from "../../api/resource";
import { amount, billingDay, money } from "../../format";
import { Button, Card, Facts, State } from "../../parts/basics";
import { Page } from "../../parts/page";
import { ErrorNote, Loaded } from "../../parts/problem";
import { Table } from "../../parts/table";
import { to } from "../../routing";
import { usePdf } from "./Invoice";

export default function CreditNote({ note: id }: { note: string }) {
  const note = useResource("/api/credit-notes/{credit_note}", { path: { credit_note: id } });
  const data = note.data;
  const printing = usePdf(`/api/credit-notes/${id}/pdf`, data?.number ?? id);
  return (
    <Page
      title={data?.number ?? "Credit note"}
      badge={data && <State of={data.state} />}
      updated={note.at}
      above={data ? <a href={to(`/billing/invoices/${data.invoice_id}`)}>Invoice {data.invoice_number}</a> : <a href={to("/billing/invoices")}>Invoices</a>}
      actions={
        data && (
          <Button icon="download" busy={printing.busy} onClick={() => void printing.run()}>
            Download PDF
          </Button>
        )
      }
    >
      {printing.problem && <ErrorNote problem={printing.problem} retry={printing.run} />}
      <Loaded from={note} lines={6}>
        {(of) => (
          <div class="stack loose">
            <Card title="What became of it">
              <div class="figure">{money(of.total)}</div>
              <Facts
                of={[
                  ["Issued", `${billingDay(of.issued_at)} (UTC)`],
                  ["Off what was due", money(of.on_due)],
                  ["Became credit", money(of.to_credit)],
                ]}
              />
            </Card>
            <Card title="Lines">
              <Table
                label="Lines of the credit note"
                items={of.lines}
                keyOf={(line) => line.id}
                columns={[
                  { id: "what", head: "Line", card: "title", cell: (line) => <span dir="auto">{line.description}</span> },
                  { id: "reason", head: "Reason", card: "detail", cell: (line) => <span class="break" dir="auto">{line.reason}</span> },
                  { id: "tax", head: `Tax, ${of.total.currency}`, card: "detail", number: true, cell: (line) => amount(line.tax) },
                  { id: "amount", head: `Amount, ${of.total.currency}`, card: "figure", number: true, cell: (line) => amount(line.amount) },
                ]}
              />
              <table class="sums">
                <caption class="hidden">Sums of the credit note</caption>
                <tbody>
                  <tr>
                    <th scope="row">Net</th>
                    <td class="number">{amount(of.net)}</td>
                  </tr>
                  <tr>
                    <th scope="row">Tax</th>
                    <td class="number">{amount(of.tax)}</td>
                  </tr>
                  <tr class="total">
                    <th scope="row">Total, {of.total.currency}</th>
                    <td class="number">{amount(of.total)}</td>
                  </tr>
                </tbody>
              </table>
            </Card>
          </div>
        )}
      </Loaded>
    </Page>
  );
}
