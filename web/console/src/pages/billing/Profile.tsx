/** Who the invoices go to: name, address, country and VAT id, which decide about the tax. */

import { call, type Schemas } from "../../api/client";
import { forget, useResource } from "../../api/resource";
import { Card, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, Input, Lines, Select } from "../../parts/fields";
import { SaveBar, useForm } from "../../parts/form";
import { Loaded } from "../../parts/problem";
import { may } from "../../session/session";
import { countries } from "../Workspaces";

type Shown = Schemas["ShownProfile"];
type Values = { name: string; address: string[]; country: string; vat_id: string; email: string; locale: string };

const values = (of: Shown): Values => ({ name: of.name, address: of.address, country: of.country ?? "", vat_id: of.vat_id ?? "", email: of.email ?? "", locale: of.locale });

const LOCALES = ["en", "en-GB", "en-US", "de", "de-AT", "de-CH", "fr", "es", "it", "nl", "pl", "pt"];
const languages = new Intl.DisplayNames(undefined, { type: "language" });

export function Profile() {
  const profile = useResource("/api/billing/profile");
  return (
    <Loaded from={profile} lines={6}>
      {(stored) => <Form stored={stored} etag={profile.etag} put={profile.put} />}
    </Loaded>
  );
}

function Form({ stored, etag, put }: { stored: Shown; etag: string | undefined; put: (data: Shown, etag?: string) => void }) {
  const form = useForm<Values>({
    stored: values(stored),
    etag,
    reread: async () => {
      const now = await call("get", "/api/billing/profile");
      put(now.data, now.etag);
      return { stored: values(now.data), etag: now.etag };
    },
    check: (of) => ({
      name: of.name.trim() ? undefined : "Write the name that stands on invoices.",
      email: !of.email || /^[^@\s]+@[^@\s]+$/.test(of.email.trim()) ? undefined : "Write it as name@example.com.",
      vat_id: !of.vat_id.trim() || /^[A-Z0-9]{4,20}$/.test(plainId(of.vat_id)) ? undefined : "Letters and digits, such as DE123456789.",
      address: of.address.length <= 6 ? undefined : "Use at most six lines.",
    }),
    save: async (_, all, tag) => {
      const body: Schemas["Profile"] = { name: all.name.trim(), address: all.address, country: all.country || null, vat_id: plainId(all.vat_id) || null, email: all.email.trim() || null, locale: all.locale || null };
      const { data, etag: next } = await call("put", "/api/billing/profile", { body, etag: tag });
      put(data, next);
      forget("/api/billing");
      toast("Saved. The next invoice goes there; final ones stay as they are");
    },
  });
  const readOnly = !may("admin");
  const field = (name: "name" | "vat_id" | "email", label: string, hint: string | undefined, more: object = {}, optional = true) => (
    <Field label={label} hint={hint} error={form.error(name)} pointer={`/${name}`} onBlur={() => form.touch(name)} optional={optional}>
      <Input value={form.values[name]} onInput={(value) => form.set(name, value)} disabled={readOnly} {...more} />
    </Field>
  );
  return (
    <div class="stack loose narrow">
      {readOnly && <Note>The billing profile is set by an owner or admin.</Note>}
      <Card title="Bill to">
        {field("name", "Name", "As it stands on invoices.", { maxLength: 200, autoComplete: "organization" }, false)}
        <Field label="Address" hint="One line each, up to six." error={form.error("address")} pointer="/address" onBlur={() => form.touch("address")} optional>
          {readOnly ? <Input value={form.values.address.join(", ")} onInput={() => undefined} disabled /> : <Lines value={form.values.address} onChange={(address) => form.set("address", address)} />}
        </Field>
        <Field label="Country" hint="It decides about the tax, together with the VAT id." error={form.error("country")} pointer="/country">
          <Select value={form.values.country} onChange={(country) => form.set("country", country)} options={[{ value: "", label: "Not said" }, ...countries]} disabled={readOnly} />
        </Field>
        {field("vat_id", "VAT id", "With one of another EU country, you owe the tax yourself (reverse charge). Its form is checked, nobody is asked.", { maxLength: 24, autoComplete: "off" })}
        {field("email", "Email for invoices", undefined, { type: "email", autoComplete: "email" })}
        <Field label="Language of invoices" error={form.error("locale")} pointer="/locale">
          <Select
            value={form.values.locale}
            onChange={(locale) => form.set("locale", locale)}
            options={[...new Set([form.values.locale, ...LOCALES])].filter(Boolean).map((value) => ({ value, label: languages.of(value) ?? value }))}
            disabled={readOnly}
          />
        </Field>
        <p class="muted">Final invoices stay as they are; what you save holds for the next.</p>
      </Card>
      <SaveBar form={form} label="Save profile" within={["tab"]} names={{ name: "Name", address: "Address", country: "Country", vat_id: "VAT id", email: "Email", locale: "Language" }} />
    </div>
  );
}

const plainId = (text: string): string => text.toUpperCase().replace(/[\s.-]/g, "");
