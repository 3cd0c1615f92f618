/** An invoice's lines and what they add up to; a line opens the turns under it. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { usePages } from "../../api/resource";
import { amount, count, isNegative, isZero, money, month, plural, share, when } from "../../format";
import { Badge, Button, Card, Empty, Note } from "../../parts/basics";
import { type Column, List, Table } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { less, nanos, same, sum, whole } from "./exact";
import { channelName } from "../channels";
import { unitPrice } from "./terms";

type Of = Schemas["Invoice"];
type Line = Schemas["InvoiceLine"];

const OPEN = ["usage", "late_usage"];

export function Lines({ of }: { of: Of }) {
  const [query, change] = useQuery();
  const { currency } = of.total;
  const lines = of.lines.filter((line) => line.kind !== "tax");
  const opened = lines.find((line) => line.id === query.line && OPEN.includes(line.kind));
  const columns: Column<Line>[] = [
    {
      id: "what",
      head: "Line",
      card: "title",
      cell: (line) =>
        OPEN.includes(line.kind) ? (
          <a
            href={to(`/billing/invoices/${of.id}`, { line: line.id })}
            aria-expanded={line.id === query.line}
            onClick={(event) => {
              event.preventDefault();
              change({ line: line.id === query.line ? undefined : line.id });
            }}
          >
            {line.description}
          </a>
        ) : (
          <span dir="auto">{line.description}</span>
        ),
    },
    { id: "late", head: <span class="hidden">State</span>, card: "status", cell: (line) => line.kind === "late_usage" && <Badge tone="warning">Late, {month(line.usage_period)}</Badge> },
    { id: "turns", head: "Turns", card: "detail", number: true, cell: (line) => (OPEN.includes(line.kind) ? count(line.count) : "–") },
    { id: "tokens", head: "Tokens", card: "detail", number: true, cell: (line) => (OPEN.includes(line.kind) ? count(line.input_tokens + line.cached_input_tokens + line.output_tokens + line.reasoning_tokens) : "–") },
    { id: "book", head: "Price book", card: "detail", cell: (line) => line.price_version ?? "–" },
    ...(lines.some((line) => line.unit_price) ? [{ id: "unit", head: "Unit price", card: "detail" as const, number: true, cell: unitPrice }] : []),
    { id: "amount", head: `Amount, ${currency}`, card: "figure", number: true, cell: (line) => amount(line.amount) },
  ];
  return (
    <Card title="Lines">
      <Table label="Lines of the invoice" columns={columns} items={lines} keyOf={(line) => line.id} current={opened?.id} />
      {opened && <Turns key={opened.id} invoice={of.id} line={opened} close={() => change({ line: undefined })} />}
      <Sums of={of} />
    </Card>
  );
}

/** The turns of a line: their sum to the last digit, and how it was rounded, once. */
function Turns({ invoice, line, close }: { invoice: string; line: Line; close: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    heading.current?.focus();
    heading.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const turns = usePages("/api/invoices/{invoice}/lines/{line}/events", { path: { invoice, line: line.id } });
  const all = !turns.loading && !turns.problem && !turns.more;
  const total = sum(turns.items.map((one) => one.charge), line.amount.currency);
  const rounding = less(line.amount, line.exact);
  return (
    <section class="turns stack">
      <div class="row between">
        <h3 ref={heading} tabIndex={-1} dir="auto">
          Turns under “{line.description}”
        </h3>
        <Button kind="quiet" icon="close" onClick={close}>
          Close the turns
        </Button>
      </div>
      <List label={`Turns under ${line.description}`} columns={COLUMNS} pages={turns} keyOf={(one) => one.id} empty={<Empty title="No turn is stored under this line">Conversations may have been erased since; the evidence below still counts them.</Empty>} />
      <table class="sums">
        <caption class="hidden">How the turns become the line’s amount</caption>
        <tbody>
          <tr>
            <th scope="row">{all ? `Sum of all ${plural(turns.items.length, "turn")}` : `Sum of the ${plural(turns.items.length, "turn")} shown`}</th>
            <td class="number">{whole(total)}</td>
          </tr>
          <tr>
            <th scope="row">The line before rounding</th>
            <td class="number">{whole(line.exact)}</td>
          </tr>
          <tr>
            <th scope="row">Rounding, once for the line</th>
            <td class="number">{whole(rounding)}</td>
          </tr>
          <tr class="total">
            <th scope="row">On the invoice</th>
            <td class="number">{money(line.amount)}</td>
          </tr>
        </tbody>
      </table>
      {all &&
        turns.items.length > 0 &&
        (same(total, line.exact) ? (
          <Note tone="success" role="status">
            The turns add up to the line, to the last digit.
          </Note>
        ) : (
          <Note tone="danger" role="status" title="The turns do not add up to the line">
            <p>They differ by {whole(less(line.exact, total))}. Verify the evidence below, and tell us.</p>
          </Note>
        ))}
    </section>
  );
}

const tokens = (n: number | null): preact.ComponentChildren => (n === null ? <span class="muted">Pending</span> : count(n));

const COLUMNS: Column<Schemas["LineEvent"]>[] = [
  {
    id: "at",
    head: "Turn",
    card: "title",
    // A correction is of the turn that it names.
    cell: (one) => (one.conversation_id ? <a href={to(`/conversations/${one.conversation_id}`, { turn: one.corrects ?? one.id })}>{when(one.occurred_at)}</a> : when(one.occurred_at)),
  },
  {
    id: "state",
    head: <span class="hidden">State</span>,
    card: "status",
    cell: (one) => (
      <span class="row">
        {one.corrects && <Badge>Correction</Badge>}
        {one.estimated && <Badge tone="warning">Estimated</Badge>}
        {one.outcome && one.outcome !== "completed" && <Badge tone="warning">{one.outcome.charAt(0).toUpperCase() + one.outcome.slice(1)}</Badge>}
      </span>
    ),
  },
  { id: "channel", head: "Channel", card: "detail", cell: (one) => channelName(one.channel) },
  { id: "input", head: "Input", card: "detail", number: true, cell: (one) => tokens(one.input_tokens) },
  { id: "cached", head: "Cached", card: "detail", number: true, cell: (one) => tokens(one.cached_input_tokens) },
  { id: "output", head: "Output", card: "detail", number: true, cell: (one) => tokens(one.output_tokens) },
  { id: "reasoning", head: "Reasoning", card: "detail", number: true, cell: (one) => tokens(one.reasoning_tokens) },
  { id: "charge", head: "Charge", card: "figure", number: true, cell: (one) => whole(one.charge) },
];

const KINDS: [kind: string[], name: string][] = [
  [["usage", "late_usage"], "Usage"],
  [["tier_adjustment"], "Prices by quantity"],
  [["fee"], "Monthly price"],
  [["allowance"], "Included in the plan"],
  [["discount"], "Discount"],
  [["minimum"], "Up to the month’s minimum"],
];

/** Whether the total stands before credit or after it, as the API has it: what is left to be paid is always `due`. */
const beforeCredit = (of: Of) => nanos(of.total.amount) === nanos(of.net.amount) + nanos(of.tax.amount);

/** What the total was settled with, so that it adds up to what is due. */
export function settled(of: Of): [string, Schemas["Money"]][] {
  const parts: [string, Schemas["Money"]][] = [
    ...(beforeCredit(of) ? ([["Credit used", of.credit_used]] as [string, Schemas["Money"]][]) : []),
    ["Paid", of.paid],
    ["Credit notes", of.credited],
    ["Written off", of.written_off],
  ];
  return parts.filter(([, value]) => !isZero(value));
}

/** From the lines to what is due. */
function Sums({ of }: { of: Of }) {
  const { currency } = of.total;
  const parts = KINDS.map(([kinds, name]) => ({ name, lines: of.lines.filter((line) => kinds.includes(line.kind)) }))
    .filter(({ lines }) => lines.length)
    .map(({ name, lines }) => [name, sum(lines.map((line) => line.amount), currency)] as const);
  const rate = isZero({ amount: of.tax_rate, currency }) ? "" : ` ${share(Number(of.tax_rate))}`;
  return (
    <>
      <table class="sums">
        <caption class="hidden">From the lines to what is due, in {currency}</caption>
        <tbody>
          {parts.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{amount(value)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">Net</th>
            <td class="number">{amount(of.net)}</td>
          </tr>
          <tr>
            <th scope="row">{of.reverse_charge ? "Tax: reverse charge, owed by you" : `Tax${rate}`}</th>
            <td class="number">{amount(of.tax)}</td>
          </tr>
          {!beforeCredit(of) && !isZero(of.credit_used) && (
            <tr>
              <th scope="row">Credit used</th>
              <td class="number">{amount(negated(of.credit_used))}</td>
            </tr>
          )}
          <tr class="total">
            <th scope="row">Total, {currency}</th>
            <td class="number">{amount(of.total)}</td>
          </tr>
          {settled(of).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{amount(negated(value))}</td>
            </tr>
          ))}
          <tr class="total">
            <th scope="row">Due, {currency}</th>
            <td class="number">{amount(of.due)}</td>
          </tr>
        </tbody>
      </table>
      {of.tax_note && <p class="muted">{of.tax_note}</p>}
    </>
  );
}

const negated = (value: Schemas["Money"]): Schemas["Money"] => (isZero(value) ? value : { ...value, amount: isNegative(value) ? value.amount.slice(1) : `-${value.amount}` });
