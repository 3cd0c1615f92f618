/** The draft as a form, how the agent is filed in the fleet, and its duplicate and end. */

import { useLayoutEffect, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, type Resource } from "../../api/resource";
import { rate } from "../../format";
import { Button, Card, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Checkbox, Field, Input, Lines, Select, TextArea } from "../../parts/fields";
import { type Form, SaveBar, useForm } from "../../parts/form";
import { Loaded } from "../../parts/problem";
import { goUnasked, useQuery } from "../../routing";
import { may } from "../../session/session";
import { useCatalogue } from "./catalogue";
import { HoursField, hoursError } from "./HoursField";
import { LanguagesField } from "./LanguagesField";
import { Delete, Duplicate } from "./Life";
import { NAMES, patchOf, POINTERS, type Values, valuesOf } from "./values";

interface Props {
  agent: Schemas["ShownAgent"];
  draft: Resource<Schemas["ShownAgent"]>;
  fleet: Resource<Schemas["FleetAgent"]>;
}

export default function Settings({ agent, draft, fleet }: Props) {
  const [query] = useQuery();
  useLayoutEffect(() => {
    const wanted = query.field;
    if (!wanted) return;
    const fields = [...document.querySelectorAll<HTMLElement>("[data-pointer]")];
    const found = fields.find((field) => wanted === field.dataset.pointer || wanted.startsWith(`${field.dataset.pointer}/`));
    found?.focus();
    found?.scrollIntoView({ block: "center" });
  }, [query.field]);
  return (
    <div class="settings">
      <fieldset class="stack loose" disabled={!may("member")}>
        {!may("member") && <Note>You may look at these settings; members can change them.</Note>}
        <Draft agent={agent} draft={draft} />
        <Loaded from={fleet}>{(data) => <Filing fleet={data} resource={fleet} />}</Loaded>
      </fieldset>
      {may("member") && <Life agent={agent} />}
    </div>
  );
}

function Draft({ agent, draft }: { agent: Schemas["ShownAgent"]; draft: Props["draft"] }) {
  const path = { agent: agent.id };
  const form = useForm<Values>({
    stored: valuesOf(agent.definition),
    etag: draft.etag,
    save: async (changed, _all, etag) => {
      const { data, etag: next } = await call("patch", "/api/agents/{agent}", { path, body: patchOf(changed), etag });
      draft.put(data, next);
      forget("/api/my-agents");
      toast("The draft is saved");
    },
    reread: async () => {
      const { data, etag } = await call("get", "/api/agents/{agent}", { path });
      draft.put(data, etag);
      return { stored: valuesOf(data.definition), etag };
    },
    check: (values) => ({
      name: values.name.trim() ? undefined : "Give it a name.",
      hours: hoursError(values.hours),
      temperature: within(values.temperature, 0, 2, "Temperature"),
      max_output_tokens: within(values.max_output_tokens, 1, 100_000, "The longest answer"),
    }),
  });
  return (
    <div class="stack loose">
      <Who form={form} />
      <Does form={form} />
      <Says form={form} />
      <Model form={form} />
      <People form={form} />
      <SaveBar form={form} label="Save draft" names={NAMES} />
    </div>
  );
}

function within(value: string, least: number, most: number, name: string): string | undefined {
  if (value.trim() === "") return undefined;
  const n = Number(value);
  return Number.isFinite(n) && n >= least && n <= most ? undefined : `${name} is between ${least} and ${most}.`;
}

interface Part {
  form: Form<Values>;
}

/** A field of the form by its name: label, pointer, error. */
function Of({ form, name, hint, optional, group, children }: Part & { name: keyof Values; hint?: string; optional?: boolean; group?: boolean; children: preact.ComponentChildren }) {
  return (
    <Field label={NAMES[name]} hint={hint} pointer={POINTERS[name]} error={form.error(name, POINTERS[name])} onBlur={() => form.touch(name)} {...(optional ? { optional } : {})} {...(group ? { group } : {})}>
      {children}
    </Field>
  );
}

type Texts = { [K in keyof Values]: Values[K] extends string ? K : never }[keyof Values];
type Listed = { [K in keyof Values]: Values[K] extends string[] ? K : never }[keyof Values];

function Text({ form, name, hint, rows, max, optional }: Part & { name: Texts; hint?: string; rows?: number; max: number; optional?: boolean }) {
  const value = form.values[name];
  const set = (next: string) => form.set(name, next as Values[typeof name]);
  return (
    <Of form={form} name={name} {...(hint ? { hint } : {})} {...(optional ? { optional } : {})}>
      {rows ? <TextArea rows={rows} value={value} onInput={set} maxLength={max} /> : <Input value={value} onInput={set} maxLength={max} />}
    </Of>
  );
}

function Rules({ form, name, hint, rows = 4 }: Part & { name: Listed; hint: string; rows?: number }) {
  return (
    <Of form={form} name={name} hint={hint} optional>
      <Lines value={form.values[name]} onChange={(value) => form.set(name, value)} rows={rows} />
    </Of>
  );
}

function Who({ form }: Part) {
  const catalogue = useCatalogue();
  const industries = catalogue.industryOptions;
  const { industry } = form.values;
  const known = industries.some((one) => one.value === industry);
  return (
    <Card title="Who it is">
      <div class="pairs">
        <Text form={form} name="name" max={80} hint="Visitors see it." />
        <Of form={form} name="industry">
          <Select value={industry} onChange={(value) => form.set("industry", value)} options={[...(known ? [] : [{ value: industry, label: catalogue.industry(industry) || "None" }]), ...industries]} />
        </Of>
        <Text form={form} name="business_name" max={120} optional hint="For whom it speaks." />
        <Text form={form} name="business_contact" max={500} optional hint="How people reach you: phone, mail, address." />
      </div>
      <Text form={form} name="business_description" max={2000} rows={3} optional />
      <Text form={form} name="opening_hours" max={500} rows={2} optional hint="In words, for the agent to tell." />
      <LanguagesField form={form} />
    </Card>
  );
}

function Does({ form }: Part) {
  const { config } = useCatalogue();
  const tone = config?.tones.find((one) => one.id === form.values.tone);
  return (
    <Card title="What it does">
      <Of form={form} name="tone" hint={tone?.description ?? ""}>
        <Select
          value={form.values.tone}
          onChange={(value) => {
            const found = config?.tones.find((one) => one.id === value);
            if (found) form.set("tone", found.id);
          }}
          options={(config?.tones ?? [{ id: form.values.tone }]).map(({ id }) => ({ value: id, label: id.charAt(0).toUpperCase() + id.slice(1) }))}
        />
      </Of>
      <Rules form={form} name="goals" hint="One a line: what a good conversation leads to." />
      <div class="pairs">
        <Rules form={form} name="must_do" hint="One rule a line." rows={6} />
        <Rules form={form} name="must_not_do" hint="One rule a line." rows={6} />
      </div>
      <Text form={form} name="notice" max={1000} rows={2} optional hint="In regulated fields: that it gives no advice." />
      <Text form={form} name="instructions" max={6000} rows={5} optional hint="Anything else. Every turn pays for these words; facts belong in the knowledge." />
    </Card>
  );
}

function Says({ form }: Part) {
  return (
    <Card title="What visitors see first">
      <Text form={form} name="greeting" max={600} rows={2} optional />
      <Rules form={form} name="sample_questions" hint="One a line, up to 8; the first four are shown as buttons." />
      <Text form={form} name="away_message" max={600} rows={2} optional hint="Shown when it is paused or a cap is reached." />
    </Card>
  );
}

function Model({ form }: Part) {
  const catalogue = useCatalogue();
  const find = (id: string) => catalogue.config?.models.find((model) => `${model.provider}/${model.id}` === id);
  const { values } = form;
  const model = find(values.model);
  const levels = model?.thinking?.levels ?? [];
  const unknown = (id: string) => (id && !find(id) ? [{ value: id, label: `${id} (not in the catalogue)` }] : []);
  const prices = model?.prices;
  return (
    <Card title="Model">
      <div class="pairs">
        <Of form={form} name="model" hint={[model?.summary, prices && `Input ${rate(prices.input, prices.currency)}, output ${rate(prices.output, prices.currency)} tokens at the provider.`].filter(Boolean).join(" ")}>
          <Select
            value={values.model}
            onChange={(value) => {
              form.set("model", value);
              // A level that the new model does not know would be refused.
              if (values.thinking && !find(value)?.thinking?.levels.includes(values.thinking)) form.set("thinking", "");
            }}
            options={[...unknown(values.model), ...catalogue.modelOptions]}
          />
        </Of>
        <Of form={form} name="fallback" hint="Answers when the model cannot be reached before its first word." optional>
          <Select value={values.fallback} onChange={(value) => form.set("fallback", value)} options={[{ value: "", label: "None" }, ...unknown(values.fallback), ...catalogue.modelOptions.filter((one) => one.value !== values.model)]} />
        </Of>
        <Of form={form} name="temperature" optional hint={model && !model.abilities.includes("temperature") ? `${model.name} takes none; it is not sent.` : "0 says the same each time, 1 varies. Empty: the model's own."}>
          <Input type="number" inputMode="decimal" step="0.1" min={0} max={2} value={values.temperature} onInput={(value) => form.set("temperature", value)} />
        </Of>
        {levels.length > 0 && (
          <Of form={form} name="thinking" optional hint="More thought answers harder questions, later and dearer.">
            <Select value={values.thinking} onChange={(value) => form.set("thinking", value)} options={[{ value: "", label: `The model's own (${model?.thinking?.default})` }, ...levels.map((level) => ({ value: level, label: level.charAt(0).toUpperCase() + level.slice(1) }))]} />
          </Of>
        )}
        <Of form={form} name="max_output_tokens" optional hint="In tokens; about three quarters of a word each.">
          <Input type="number" inputMode="numeric" step="1" min={1} value={values.max_output_tokens} onInput={(value) => form.set("max_output_tokens", value)} />
        </Of>
        <Of form={form} name="passages" optional hint={`How many passages of knowledge a question may bring along, 0 to ${catalogue.config?.limits.passages ?? 8}.`}>
          <Input type="number" inputMode="numeric" step="1" min={0} max={catalogue.config?.limits.passages ?? 8} value={values.passages} onInput={(value) => form.set("passages", value)} />
        </Of>
      </div>
    </Card>
  );
}

function People({ form }: Part) {
  const { values } = form;
  return (
    <Card title="People">
      <Checkbox checked={values.hand_off_enabled} onChange={(on) => form.set("hand_off_enabled", on)} hint="The agent may hand the conversation to a person.">
        Hand-off
      </Checkbox>
      {values.hand_off_enabled && (
        <div class="stack inset">
          <Rules form={form} name="hand_off_triggers" hint="One situation a line." />
          <div class="pairs">
            <Text form={form} name="hand_off_message" max={600} rows={2} optional hint="Empty: the usual words." />
            <Text form={form} name="hand_off_away" max={600} rows={2} optional hint="Outside the hours below. Empty: the usual words." />
          </div>
        </div>
      )}
      <HoursField form={form} />
      <Checkbox checked={values.leads_enabled} onChange={(on) => form.set("leads_enabled", on)} hint="The agent may ask visitors how they can be reached.">
        Leads
      </Checkbox>
      {values.leads_enabled && (
        <div class="stack inset">
          <Rules form={form} name="leads_triggers" hint="One situation a line." />
          <Text form={form} name="leads_message" max={600} rows={2} optional hint="Empty: the usual words." />
        </div>
      )}
    </Card>
  );
}

type Filed = { tags: string[]; note: string; pinned: boolean };
const filed = (fleet: Schemas["FleetAgent"]): Filed => ({ tags: fleet.tags, note: fleet.note, pinned: fleet.pinned });

/** Tags, note and pin: the fleet's, not the draft's; they count at once. */
function Filing({ fleet, resource }: { fleet: Schemas["FleetAgent"]; resource: Props["fleet"] }) {
  const path = { agent: fleet.id };
  const form = useForm<Filed>({
    stored: filed(fleet),
    etag: resource.etag,
    save: async (changed, _all, etag) => {
      const got = await call("patch", "/api/my-agents/{agent}", { path, body: changed, etag });
      resource.put(got.data, got.etag);
      toast("Tags and note are saved");
    },
    reread: async () => {
      const { data, etag } = await call("get", "/api/my-agents/{agent}", { path });
      resource.put(data, etag);
      return { stored: filed(data), etag };
    },
    check: (values) => ({ tags: values.tags.length > 20 ? "At most 20 tags." : values.tags.some((tag) => tag.length > 40) ? "A tag has at most 40 characters." : undefined }),
  });
  return (
    <Card title="In your fleet">
      <Checkbox checked={form.values.pinned} onChange={(on) => form.set("pinned", on)} hint="Stands first in lists.">
        Pinned
      </Checkbox>
      <div class="pairs">
        <Field label="Tags" optional hint="One a line, up to 20; to find it by and to change many at once." pointer="/tags" error={form.error("tags")} onBlur={() => form.touch("tags")}>
          <Lines value={form.values.tags} onChange={(tags) => form.set("tags", tags)} rows={3} />
        </Field>
        <Field label="Note" optional hint="For you and your colleagues." pointer="/note" error={form.error("note")}>
          <TextArea rows={3} value={form.values.note} onInput={(note) => form.set("note", note)} maxLength={2000} />
        </Field>
      </div>
      <SaveBar form={form} label="Save tags and note" />
    </Card>
  );
}

function Life({ agent }: { agent: Schemas["ShownAgent"] }) {
  const [open, setOpen] = useState<"duplicate" | "delete">();
  return (
    <Card title="Duplicate or delete">
      <div class="row between">
        <p class="grow">A duplicate has the same draft and knowledge, and answers nobody until you publish it.</p>
        <Button onClick={() => setOpen("duplicate")}>Duplicate agent</Button>
      </div>
      {may("admin") && (
        <div class="row between">
          <p class="grow">Deleted, it stops answering at once; for 30 days it can be restored.</p>
          <Button kind="danger" onClick={() => setOpen("delete")}>
            Delete agent
          </Button>
        </div>
      )}
      {open === "duplicate" && <Duplicate agent={agent} onClose={() => setOpen(undefined)} />}
      {open === "delete" && <Delete agent={agent} onClose={() => setOpen(undefined)} done={() => goUnasked("/agents", { from: `/agents/${agent.id}` })} />}
    </Card>
  );
}
