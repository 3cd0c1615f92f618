/** The languages that an agent answers in, by name; none means the visitor's own. */

import { Button } from "../../parts/basics";
import { Field, Select } from "../../parts/fields";
import type { Form } from "../../parts/form";
import { useCatalogue } from "./catalogue";
import { NAMES, POINTERS, type Values } from "./values";

export function LanguagesField({ form }: { form: Form<Values> }) {
  const languages = useCatalogue().config?.languages ?? [];
  const chosen = form.values.languages;
  const name = (id: string) => languages.find((one) => one.id === id)?.name ?? id;
  const set = (next: string[]) => form.set("languages", next);
  return (
    <Field label={NAMES.languages} group optional hint="None: it answers in the visitor's language." error={form.error("languages", POINTERS.languages)}>
      <div class="row">
        {chosen.map((id) => (
          <span key={id} class="chip">
            {name(id)}
            <Button kind="quiet" icon="close" label={`Remove ${name(id)}`} onClick={() => set(chosen.filter((one) => one !== id))} />
          </span>
        ))}
        <div class="add-language">
          <Select label="Add a language" value="" onChange={(id) => id && set([...chosen, id])} options={[{ value: "", label: "Add a language" }, ...languages.filter((one) => !chosen.includes(one.id)).map((one) => ({ value: one.id, label: one.name }))]} />
        </div>
      </div>
    </Field>
  );
}
