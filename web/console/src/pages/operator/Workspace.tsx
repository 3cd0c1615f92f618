/** One workspace for the operator: its invoices and payments with what may be done about them, its credit, its margin. */

import { useEffect, useState } from "preact/hooks";
import "../../styles/money.css";
import type { Schemas } from "../../api/client";
import { forget, usePages } from "../../api/resource";
import { isZero, money } from "../../format";
import { Badge, Button, Card, Empty, Facts, Skeleton, State } from "../../parts/basics";
import { Menu, type MenuItem } from "../../parts/dialog";
import { Select } from "../../parts/fields";
import { Page } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { List } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { invoiceColumns, invoiceName, stateOptions } from "../billing/Invoices";
import { paymentColumns } from "../billing/Payments";
import { Finalize, GrantCredit, RecordPayment, Refund, Suspend, Void, WriteOff } from "./acts";
import { IssueCreditNote } from "./IssueCreditNote";
import { Margin } from "./Margin";
import { OnlyOperators } from "./OnlyOperators";
import { Unreported } from "./Unreported";

type Invoice = Schemas["InvoiceSummary"];
type Payment = Schemas["Payment"];

/** What the operator is about to do. */
export type Act = { kind: "finalize" | "void" | "write_off" | "note" | "record"; invoice: Invoice } | { kind: "refund"; payment: Payment } | { kind: "grant" | "suspend" };

export default function Workspace({ workspace }: { workspace: string }) {
  return (
    <OnlyOperators title="Workspace">
      <One key={workspace} id={workspace} />
    </OnlyOperators>
  );
}

/** The row of the list of workspaces; it is read on until this one has come. */
function useDebtor(id: string) {
  const pages = usePages("/api/operator/workspaces", { query: { page_size: 100 } });
  const found = pages.items.find((one) => one.id === id);
  useEffect(() => {
    if (!found && pages.more && !pages.busy) void pages.more();
  }, [found, pages.more, pages.busy]);
  return { found, problem: pages.problem, reload: pages.reload, gone: !found && !pages.loading && !pages.more && !pages.problem };
}

const OWED = ["open", "overdue", "uncollectible"];
const FINAL = ["open", "overdue", "paid", "uncollectible"];

function One({ id }: { id: string }) {
  const [query, change] = useQuery();
  const state = query.state ?? "";
  const debtor = useDebtor(id);
  const invoices = usePages("/api/operator/workspaces/{workspace}/invoices", { path: { workspace: id }, query: state ? { state } : {} });
  const payments = usePages("/api/operator/workspaces/{workspace}/payments", { path: { workspace: id } });
  const [act, setAct] = useState<Act>();
  const close = () => setAct(undefined);
  const done = () => {
    forget("/api/operator", "/api/invoices", "/api/billing", "/api/payments", "/api/dashboard");
    void Promise.all([debtor.reload(), invoices.reload(), payments.reload()]);
  };
  const { found } = debtor;
  const currency = found?.due.currency ?? "USD";
  const suspended = found?.state === "suspended";
  if (debtor.gone)
    return (
      <Page title="Workspace" above={<a href={to("/operator")}>Operator</a>}>
        <Empty level={2} title="There is no such workspace" action={<Button href={to("/operator")}>All workspaces</Button>} />
      </Page>
    );
  const forInvoice = (one: Invoice): (MenuItem | false)[] => [
    one.state === "draft" && { label: "Finalize", onSelect: () => setAct({ kind: "finalize", invoice: one }) },
    OWED.includes(one.state) && !isZero(one.due) && { label: "Record a payment", onSelect: () => setAct({ kind: "record", invoice: one }) },
    FINAL.includes(one.state) && { label: "Issue a credit note", onSelect: () => setAct({ kind: "note", invoice: one }) },
    ["open", "overdue"].includes(one.state) && !isZero(one.due) && { label: "Write off", danger: true, onSelect: () => setAct({ kind: "write_off", invoice: one }) },
    OWED.includes(one.state) && { label: "Void", danger: true, onSelect: () => setAct({ kind: "void", invoice: one }) },
  ];
  const refundable = (one: Payment) => ["succeeded", "partly_refunded"].includes(one.state);
  return (
    <Page
      title={found?.name ?? "Workspace"}
      badge={found && <State of={found.state} />}
      above={<a href={to("/operator")}>Operator</a>}
      actions={
        found && (
          <>
            <Button onClick={() => setAct({ kind: "grant" })}>Grant credit</Button>
            <Button onClick={() => setAct({ kind: "suspend" })}>{suspended ? "Lift suspension" : "Suspend workspace"}</Button>
          </>
        )
      }
    >
      {debtor.problem && <ErrorNote problem={debtor.problem} retry={debtor.reload} />}
      {found ? <Standing of={found} /> : !debtor.problem && <Skeleton lines={4} />}
      <section class="stack">
        <div class="row between filters">
          <h2>Invoices</h2>
          <Select label="State" value={state} onChange={(value) => change({ state: value })} options={stateOptions} />
        </div>
        <List
          label="Invoices"
          pages={invoices}
          keyOf={(one) => one.id}
          columns={[
            ...invoiceColumns(undefined, currency),
            { id: "acts", head: <span class="hidden">Actions</span>, card: "detail", cell: (one) => <Menu kind="quiet" label={`Actions for ${invoiceName(one)}`} items={forInvoice(one)} /> },
          ]}
          empty={state ? <Empty title={`No invoice is ${state}`} action={<Button onClick={() => change({ state: undefined })}>Clear filters</Button>} /> : <Empty title="No invoice yet">The close drafts one when a month is over.</Empty>}
        />
      </section>
      <section class="stack">
        <h2>Payments</h2>
        <List
          label="Payments"
          pages={payments}
          keyOf={(one) => one.id}
          columns={[
            ...paymentColumns(false),
            {
              id: "acts",
              head: <span class="hidden">Actions</span>,
              card: "detail",
              cell: (one) => refundable(one) && <Menu kind="quiet" label={`Actions for the payment of ${money(one.amount)}`} items={[{ label: "Give back", danger: true, onSelect: () => setAct({ kind: "refund", payment: one }) }]} />,
            },
          ]}
          empty={<Empty title="Nothing was paid yet">Record a payment at its invoice above.</Empty>}
        />
      </section>
      <Unreported workspace={id} done={done} />
      <Margin workspace={id} />
      {act && <Acting act={act} workspace={id} name={found?.name ?? id} suspended={suspended} currency={currency} done={done} onClose={close} />}
    </Page>
  );
}

function Standing({ of }: { of: Schemas["Debtor"] }) {
  return (
    <Card title="Where it stands">
      <Facts
        of={[
          ["Due", <strong class="number">{money(of.due)}</strong>],
          ["Of it overdue", isZero(of.overdue) ? "Nothing" : <Badge tone="danger">{money(of.overdue)}</Badge>],
          ["Credit", <span class="number">{money(of.credit)}</span>],
          ["Plan", of.plan],
          ["This month, provisional", `${money(of.charge_so_far)} charged, ${money(of.cost_so_far)} cost, ${money(of.margin_so_far)} margin`],
          ["Last day closed (UTC)", of.last_closed ?? "–"],
          ["Id", <code class="break">{of.id}</code>],
        ]}
      />
    </Card>
  );
}

interface ActingProps {
  act: Act;
  workspace: string;
  name: string;
  suspended: boolean;
  currency: string;
  done: () => void;
  onClose: () => void;
}

function Acting({ act, ...rest }: ActingProps) {
  switch (act.kind) {
    case "finalize":
      return <Finalize invoice={act.invoice} {...rest} />;
    case "void":
      return <Void invoice={act.invoice} {...rest} />;
    case "write_off":
      return <WriteOff invoice={act.invoice} {...rest} />;
    case "record":
      return <RecordPayment invoice={act.invoice} {...rest} />;
    case "note":
      return <IssueCreditNote invoice={act.invoice} {...rest} />;
    case "refund":
      return <Refund payment={act.payment} {...rest} />;
    case "grant":
      return <GrantCredit {...rest} />;
    case "suspend":
      return <Suspend {...rest} />;
  }
}
