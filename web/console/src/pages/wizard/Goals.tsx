/** Step 2: whom the agent speaks for, in which tone, to what end, by which rules. */

import { useId } from "preact/hooks";
import { Note } from "../../parts/basics";
import { Field, Input, Lines, Select, TextArea } from "../../parts/fields";
import type { Tone } from "./draft";
import type { StepProps } from "./Wizard";

export function Goals({ form, config, industries }: StepProps) {
  const { values, set, error } = form;
  const industry = industries.find((one) => one.id === values.industry);
  const tone = config.tones.find((one) => one.id === values.tone);
  const languages = config.languages.map((one) => ({ value: one.id, label: one.name }));
  if (!languages.some((one) => one.value === values.language)) languages.push({ value: values.language, label: values.language });
  const lines = (name: "goals" | "must_do" | "must_not_do", label: string, hint: string) => (
    <Field label={label} hint={hint} error={error(name)} pointer={`/${name}`}>
      <Lines value={values[name]} rows={Math.max(4, values[name].length + 1)} onChange={(next) => set(name, next)} />
    </Field>
  );
  const line = (name: "business_name" | "business_contact" | "opening_hours", label: string, pointer: string, placeholder: string, optional: boolean) => (
    <Field label={label} error={error(name, pointer)} pointer={pointer} optional={optional}>
      <Input value={values[name]} placeholder={placeholder} maxLength={name === "business_name" ? 120 : 500} onInput={(next) => set(name, next)} />
    </Field>
  );
  return (
    <div class="stack loose">
      <Part title="Your business">
        {line("business_name", "Name of your business", "/business/name", "Linden Dental", false)}
        {line("business_contact", "How people reach you", "/business/contact", "+49 30 5550 100, hello@example.com", true)}
        {line("opening_hours", "Opening hours", "/business/opening_hours", "Monday to Friday, 8 to 18", true)}
        <Field label="What you do" optional hint="One or two sentences." error={error("business_description", "/business/description")} pointer="/business/description">
          <TextArea rows={2} value={values.business_description} maxLength={2000} onInput={(next) => set("business_description", next)} />
        </Field>
      </Part>
      <Part title="How it speaks">
        <div class="pair">
          <Field label="Tone" {...(tone ? { hint: tone.description } : {})}>
            <Select value={values.tone} onChange={(next) => set("tone", next as Tone)} options={config.tones.map((one) => ({ value: one.id, label: capital(one.id) }))} />
          </Field>
          <Field label="Language" hint="When a visitor writes in another one, it answers in that." error={error("language", "/languages")} pointer="/languages">
            <Select value={values.language} onChange={(next) => set("language", next)} options={languages} />
          </Field>
        </div>
      </Part>
      <Part title="What it is for">
        {lines("goals", "Goals", "One a line: what a good conversation leads to.")}
        {lines("must_do", "It must", "One rule a line.")}
        {lines("must_not_do", "It must not", "One rule a line. Rules of safety are built in.")}
        {(industry?.regulated || values.notice) && (
          <>
            {industry?.regulated && <Note>{industry.name} is a regulated field: visitors should read a notice, and reach a person.</Note>}
            <Field label="Notice to visitors" optional={!industry?.regulated} error={error("notice")} pointer="/notice">
              <TextArea rows={3} value={values.notice} maxLength={1000} onInput={(next) => set("notice", next)} />
            </Field>
          </>
        )}
      </Part>
    </div>
  );
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** Fields that belong together, with a name for all of them. */
export function Part({ title, children }: { title: string; children: preact.ComponentChildren }) {
  const id = useId();
  return (
    <section class="card" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <div class="stack">{children}</div>
    </section>
  );
}

