/** Publishing a version of a plan: prefilled with the latest one, said in words before it is sent. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, useAction } from "../../api/resource";
import { billingDay } from "../../format";
import { Button, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Checkbox, Field, Input, Select, TextArea } from "../../parts/fields";
import { addDays, today } from "../../parts/range";
import { percent, shareOf, typed } from "../billing/exact";
import { meter } from "../billing/terms";
import { Ask } from "./acts";

type Meter = Schemas["NewUnitPrice"]["meter"];
type Scheme = NonNullable<Schemas["NewUnitPrice"]["scheme"]>;

const METERS: Meter[] = ["messages", "conversations", "resolved_conversations", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"];
const SCHEMES: { value: Scheme; label: string }[] = [
  { value: "unit", label: "Each at one price" },
  { value: "graduated", label: "Graduated: each at its tier’s price" },
  { value: "volume", label: "Volume: all at the price of the tier reached" },
  { value: "package", label: "In whole packages" },
];
const isMeter = (text: string): text is Meter => METERS.some((one) => one === text);
const isScheme = (text: string): text is Scheme => SCHEMES.some((one) => one.value === text);

interface Price {
  meter: Meter;
  model: string;
  scheme: Scheme;
  price: string;
  per: string;
  /** One tier a line: "1000: 0.05"; the last without end: "more: 0.04". */
  tiers: string;
}

interface Draft {
  plan: string;
  version: string;
  name: string;
  day: string;
  workspace: string;
  currency: string;
  fee: string;
  plus: string;
  included: string;
  units: Record<string, string>;
  discount: string;
  discountAmount: string;
  discountMonths: string;
  minimum: string;
  reverse: boolean;
  prices: Price[];
}

const nextVersion = (plan: string, version: string): string => version.replace(/(\d+)$/, (n) => String(Number(n) + 1)) || `${plan}-1`;

function draftOf(from: Schemas["PlanVersion"] | null): Draft {
  const terms = from?.terms;
  return {
    plan: terms?.plan ?? "",
    version: terms ? nextVersion(terms.plan, terms.version) : "",
    name: terms?.name ?? "",
    day: addDays(today("UTC"), 2),
    workspace: from?.workspace_id ?? "",
    currency: terms?.monthly_fee.currency ?? "USD",
    fee: terms?.monthly_fee.amount ?? "0",
    plus: terms?.cost_plus ? percent(terms.cost_plus) : "",
    included: terms?.included.amount ?? "0",
    units: Object.fromEntries(Object.entries(terms?.included_units ?? {}).map(([name, n]) => [name, String(n)])),
    discount: terms ? percent(terms.discount) : "0",
    discountAmount: terms?.discount_amount.amount ?? "0",
    discountMonths: terms?.discount_months ? String(terms.discount_months) : "",
    minimum: terms?.minimum.amount ?? "0",
    reverse: terms?.reverse_charge ?? false,
    prices: (terms?.unit_prices ?? []).map((one) => ({
      meter: isMeter(one.meter) ? one.meter : "messages",
      model: one.model ?? "",
      scheme: isScheme(one.scheme) ? one.scheme : "unit",
      price: one.price.amount,
      per: String(one.per),
      tiers: one.tiers.map((tier) => `${tier.up_to ?? "more"}: ${tier.price.amount}`).join("\n"),
    })),
  };
}

function tiersOf(text: string, per: number): Schemas["NewTier"][] | undefined {
  const found = text.split("\n").filter((line) => line.trim()).map((line) => /^\s*(more|\d{1,15})\s*:\s*(\S+)\s*$/.exec(line));
  if (!found.length || found.some((one) => !one || typed(one[2]!) === undefined)) return undefined;
  return found.map((one) => ({ up_to: one![1] === "more" ? null : Number(one![1]), price: typed(one![2]!)!, per }));
}

const tiered = (one: Price) => one.scheme === "graduated" || one.scheme === "volume";

/** The first thing that keeps it from being sent. */
function wrongIn(of: Draft): string | undefined {
  if (!/^[a-z][a-z0-9_]{1,59}$/.test(of.plan)) return "Give the plan an id of small letters, digits and _";
  if (!/^[a-z][a-z0-9_-]{1,79}$/.test(of.version)) return "Give the version an id, such as pro-2";
  if (!of.name.trim()) return "Give the plan a name";
  if ([of.fee, of.included, of.minimum, of.discountAmount].some((text) => typed(text) === undefined)) return "Write amounts as 12.50";
  if (shareOf(of.discount) === undefined || (of.plus.trim() && shareOf(of.plus) === undefined)) return "Write percentages as 20";
  if (of.discountMonths && !/^\d{1,3}$/.test(of.discountMonths)) return "Write months as a whole number";
  if (Object.values(of.units).some((text) => text && !/^\d{1,15}$/.test(text))) return "Write included units as whole numbers";
  if (of.prices.some((one) => (tiered(one) ? tiersOf(one.tiers, Number(one.per)) === undefined : typed(one.price) === undefined) || !/^[1-9]\d{0,8}$/.test(one.per))) return "Each price needs an amount, or tiers as 1000: 0.05";
  return undefined;
}

const bodyOf = (of: Draft): Schemas["NewPlan"] => ({
  plan: of.plan,
  plan_version: of.version,
  name: of.name.trim(),
  effective_from: `${of.day}T00:00:00Z`,
  workspace_id: of.workspace.trim() || null,
  currency: of.currency,
  monthly_fee: typed(of.fee) ?? "0",
  cost_plus: of.plus.trim() ? (shareOf(of.plus) ?? "0") : null,
  unit_prices: of.prices.map((one) => ({ meter: one.meter, model: one.model.trim() || null, scheme: one.scheme, price: tiered(one) ? null : (typed(one.price) ?? "0"), per: Number(one.per), tiers: tiered(one) ? (tiersOf(one.tiers, Number(one.per)) ?? []) : [] })),
  included: typed(of.included) ?? "0",
  included_units: Object.fromEntries(Object.entries(of.units).flatMap(([name, text]) => (text && isMeter(name) ? [[name, Number(text)]] : []))),
  discount: shareOf(of.discount) ?? "0",
  discount_amount: typed(of.discountAmount) ?? "0",
  discount_months: of.discountMonths ? Number(of.discountMonths) : null,
  minimum: typed(of.minimum) ?? "0",
  tax_rate: null,
  reverse_charge: of.reverse,
});

export function Publish({ from, put, onClose }: { from: Schemas["PlanVersion"] | null; put: () => void; onClose: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(from));
  const set = <K extends keyof Draft>(name: K, value: Draft[K]) => setDraft((now) => ({ ...now, [name]: value }));
  const act = useAction(async () => {
    const { data } = await call("put", "/api/operator/plans", { body: bodyOf(draft) });
    forget("/api/billing/plan");
    toast(`${data.terms.version} can be chosen from ${billingDay(data.effective_from)}`);
  });
  const text = (name: "plan" | "version" | "name" | "workspace" | "currency" | "fee" | "plus" | "included" | "discount" | "discountAmount" | "discountMonths" | "minimum", label: string, pointer: string, more: { hint?: string; optional?: boolean; number?: boolean; readOnly?: boolean } = {}) => (
    <Field label={label} error={act.problem?.at(pointer)} {...(more.hint ? { hint: more.hint } : {})} {...(more.optional ? { optional: true } : {})}>
      <Input value={draft[name]} onInput={(value) => set(name, value)} autoComplete="off" number={more.number ?? false} readOnly={more.readOnly ?? false} />
    </Field>
  );
  const amounts = { number: true };
  return (
    <Ask title={from ? `New version of ${from.terms.name}` : "New plan"} action={`Publish ${draft.version || "version"}`} wrong={wrongIn(draft)} act={act} onClose={onClose} done={put} wide>
      <Note>A published version is never changed or taken back. Who has chosen the plan keeps what was agreed; others can choose this from its day on.</Note>
      <div class="pair">
        {text("name", "Name", "/name")}
        {text("plan", "Plan id", "/plan", { readOnly: from !== null })}
        {text("version", "Version id", "/plan_version")}
        <Field label="Can be chosen from (UTC)" hint="A day from now at the earliest." error={act.problem?.at("/effective_from")}>
          <Input type="date" value={draft.day} min={addDays(today("UTC"), 1)} onInput={(day) => day && set("day", day)} />
        </Field>
        {text("currency", "Currency", "/currency", { readOnly: from !== null })}
        {text("workspace", "For one workspace alone", "/workspace_id", { optional: true, hint: "Its id; empty: for all." })}
      </div>
      <h3>Terms</h3>
      <div class="pair">
        {text("fee", `Monthly price, ${draft.currency}`, "/monthly_fee", amounts)}
        {text("minimum", `Minimum a month, ${draft.currency}`, "/minimum", amounts)}
        {text("included", `Usage included, ${draft.currency}`, "/included", amounts)}
        {text("plus", "Cost plus, %", "/cost_plus", { number: true, optional: true, hint: "Empty: the cost is not passed on." })}
        {text("discount", "Discount, %", "/discount", amounts)}
        {text("discountAmount", `Discount, ${draft.currency}`, "/discount_amount", amounts)}
        {text("discountMonths", "Months of discount", "/discount_months", { number: true, optional: true, hint: "Empty: always." })}
      </div>
      <h3>Prices by unit</h3>
      {draft.prices.map((one, i) => (
        <PriceOf key={i} of={one} at={i} error={act.problem?.at(`/unit_prices/${i}`)} change={(next) => set("prices", draft.prices.map((old, j) => (j === i ? next : old)))} remove={() => set("prices", draft.prices.filter((_, j) => j !== i))} />
      ))}
      {act.problem?.at("/unit_prices") && <p class="error">{act.problem.at("/unit_prices")}</p>}
      <div class="row">
        <Button icon="plus" onClick={() => set("prices", [...draft.prices, { meter: "messages", model: "", scheme: "unit", price: "", per: "1", tiers: "" }])}>
          Add price
        </Button>
      </div>
      <h3>Units included</h3>
      <div class="pair">
        {METERS.slice(0, 3).map((name) => (
          <Field key={name} label={meter(name).replace(/^./, (first) => first.toUpperCase())} error={act.problem?.at(`/included_units/${name}`)} optional>
            <Input value={draft.units[name] ?? ""} onInput={(value) => set("units", { ...draft.units, [name]: value })} inputMode="numeric" number />
          </Field>
        ))}
      </div>
      <Checkbox checked={draft.reverse} onChange={(on) => set("reverse", on)}>
        Reverse charge was agreed
      </Checkbox>
    </Ask>
  );
}

function PriceOf({ of, at, error, change, remove }: { of: Price; at: number; error: string | undefined; change: (next: Price) => void; remove: () => void }) {
  return (
    <fieldset class="price stack tight">
      <legend class="label">Price {at + 1}</legend>
      <div class="pair">
        <Field label="Of">
          <Select value={of.meter} onChange={(value) => isMeter(value) && change({ ...of, meter: value })} options={METERS.map((value) => ({ value, label: meter(value) }))} />
        </Field>
        <Field label="How">
          <Select value={of.scheme} onChange={(value) => isScheme(value) && change({ ...of, scheme: value })} options={SCHEMES} />
        </Field>
        {!tiered(of) && (
          <Field label="Price">
            <Input value={of.price} onInput={(price) => change({ ...of, price })} inputMode="decimal" number />
          </Field>
        )}
        <Field label="For so many">
          <Input value={of.per} onInput={(per) => change({ ...of, per })} inputMode="numeric" number />
        </Field>
        <Field label="Model" hint="Empty: all." optional>
          <Input value={of.model} onInput={(model) => change({ ...of, model })} autoComplete="off" />
        </Field>
      </div>
      {tiered(of) && (
        <Field label="Tiers" hint="One a line: up to how many, then the price, as 1000: 0.05; the last as more: 0.04.">
          <TextArea rows={3} value={of.tiers} onInput={(tiers) => change({ ...of, tiers })} />
        </Field>
      )}
      {error && <p class="error">{error}</p>}
      <div class="row">
        <Button kind="quiet" icon="trash" onClick={remove}>
          Remove price {at + 1}
        </Button>
      </div>
    </fieldset>
  );
}
