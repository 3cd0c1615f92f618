/** What the widget says, language by language; what is left empty is the agent's or the widget's own. */

import { useEffect, useState } from "preact/hooks";
import { useResource } from "../../api/resource";
import { Card } from "../../parts/basics";
import { Checkbox, Field, Input, Lines, Select, TextArea } from "../../parts/fields";
import type { Form } from "../../parts/form";
import { config } from "../../session/config";
import { given, languageName, type Texts, type Values } from "./model";

type Word = keyof Texts & string;

const LONG: { name: Word; label: string; hint?: string; most: number }[] = [
  { name: "greeting", label: "Greeting", hint: "Empty: the agent's own.", most: 600 },
  { name: "privacy_notice", label: "Privacy notice", hint: "Stands above the greeting. Links as [words](https://…).", most: 1000 },
  { name: "consent", label: "Consent", hint: "Beside each form; kept word for word with what a visitor leaves.", most: 600 },
  { name: "proactive", label: "Proactive message", hint: "What the closed widget says by itself; turned on under Behaviour.", most: 300 },
  { name: "away", label: "Away message", hint: "While the agent is paused or a cap is reached. Empty: the agent's own.", most: 600 },
];

const SHORT: { name: Word; label: string }[] = [
  { name: "placeholder", label: "Field to write in" },
  { name: "send", label: "Send" },
  { name: "open", label: "Open" },
  { name: "close", label: "Close" },
  { name: "assistant", label: "What speaks" },
  { name: "conversation", label: "Name of the log" },
  { name: "you", label: "The visitor" },
  { name: "answering", label: "While it answers ({name})" },
  { name: "offline", label: "Offline" },
  { name: "connecting", label: "Connecting again" },
  { name: "busy", label: "Busy ({n} seconds)" },
  { name: "failed", label: "Not sent" },
  { name: "retry", label: "Try again" },
  { name: "error", label: "Error" },
  { name: "cut", label: "Answer cut off" },
  { name: "sources", label: "Sources" },
  { name: "newer", label: "New messages" },
  { name: "helpful", label: "Thumb up" },
  { name: "unhelpful", label: "Thumb down" },
  { name: "comment", label: "What was missing" },
  { name: "thanks", label: "Thank you" },
  { name: "person", label: "Talk to a person" },
  { name: "note", label: "What it is about" },
  { name: "told", label: "After asking for a person" },
  { name: "lead", label: "Leave your details" },
  { name: "before", label: "Form before the first message" },
  { name: "name", label: "Name" },
  { name: "email", label: "Email" },
  { name: "phone", label: "Phone" },
  { name: "optional", label: "Optional ({field})" },
  { name: "rate", label: "Rate this conversation" },
  { name: "stars", label: "Stars ({n} of 5)" },
  { name: "remark", label: "Anything to add" },
  { name: "dismiss", label: "Dismiss" },
];

/** The widget's own words in a language, as the CDN has them; empty while unknown: placeholders are a help, no more. */
function useOwnWords(locale: string): Partial<Record<Word, string>> {
  const [words, setWords] = useState<{ locale: string; of: Partial<Record<Word, string>> }>();
  useEffect(() => {
    let gone = false;
    const read = async (name: string) => {
      const response = await fetch(`${config().cdn_url}/${name}`);
      if (!response.ok) throw new Error(`${response.status}`);
      return response.json();
    };
    void (async () => {
      const manifest = (await read("v1/manifest.json")) as Record<string, { path: string } | undefined>;
      const part = manifest[`texts-${locale.replace(/-.*/, "")}`] ?? manifest["texts-en"];
      if (part && !gone) setWords({ locale, of: (await read(part.path)) as Partial<Record<Word, string>> });
    })().catch(() => !gone && setWords(undefined));
    return () => {
      gone = true;
    };
  }, [locale]);
  return words?.locale === locale ? words.of : {};
}

interface Props {
  form: Form<Values>;
  locale: string;
  onLocale: (locale: string) => void;
}

export function Words({ form, locale, onLocale }: Props) {
  const known = useResource("/api/templates").data?.languages ?? ["en"];
  const own = useOwnWords(locale);
  const { values } = form;
  const all = [...new Set([...known, ...Object.keys(values.texts), ...(values.languages ?? []), values.default_locale])].sort((a, b) => languageName(a).localeCompare(languageName(b)));
  const words: Partial<Texts> = values.texts[locale] ?? {};
  const set = (name: Word, value: string) => {
    const next = given({ ...words, [name]: value || null });
    const { [locale]: _, ...others } = values.texts;
    form.set("texts", (Object.keys(next).length ? { ...others, [locale]: next } : others) as Values["texts"]);
  };
  const pointer = (name: Word) => `/texts/${locale}/${name}`;
  const changed = (one: string) => (Object.keys(values.texts[one] ?? {}).length ? `, ${Object.keys(values.texts[one]!).length} of your own` : "");
  return (
    <>
      <Card title="Words">
        <Field label="Language" hint="The widget speaks each of these by itself; here you put your own words in their place.">
          <Select value={locale} onChange={onLocale} options={all.map((one) => ({ value: one, label: `${languageName(one)}${changed(one)}` }))} />
        </Field>
        {LONG.map(({ name, label, hint, most }) => (
          <Field key={`${locale}${name}`} label={label} hint={hint} optional pointer={pointer(name)} error={form.error("texts", pointer(name))}>
            <TextArea rows={2} maxLength={most} value={words[name] ?? ""} {...(own[name] ? { placeholder: own[name] } : {})} onInput={(value) => set(name, value)} />
          </Field>
        ))}
        <details>
          <summary>All other words</summary>
          <div class="stack">
            {SHORT.map(({ name, label }) => (
              <Field key={`${locale}${name}`} label={label} pointer={pointer(name)} error={form.error("texts", pointer(name))}>
                <Input maxLength={200} value={words[name] ?? ""} {...(own[name] ? { placeholder: own[name] } : {})} onInput={(value) => set(name, value)} />
              </Field>
            ))}
          </div>
        </details>
      </Card>
      <Card title="Suggested questions">
        <Checkbox checked={values.suggested_questions === null} onChange={(on) => form.set("suggested_questions", on ? null : [])} hint="The sample questions of the published version.">
          The agent's own
        </Checkbox>
        {values.suggested_questions !== null && (
          <Field label="Questions" hint="One a line, four at most; none shows none." pointer="/suggested_questions" error={form.error("suggested_questions")} onBlur={() => form.touch("suggested_questions")}>
            <Lines value={values.suggested_questions} onChange={(questions) => form.set("suggested_questions", questions)} rows={4} />
          </Field>
        )}
      </Card>
      <Languages form={form} all={all} />
    </>
  );
}

function Languages({ form, all }: { form: Form<Values>; all: string[] }) {
  const { languages, default_locale } = form.values;
  return (
    <Card title="Languages">
      <Field label="First language" hint="For visitors whose languages are not offered." pointer="/default_locale" error={form.error("default_locale")}>
        <Select value={default_locale} onChange={(locale) => form.set("default_locale", locale)} options={all.map((one) => ({ value: one, label: languageName(one) }))} />
      </Field>
      <Checkbox checked={languages === null} onChange={(on) => form.set("languages", on ? null : [default_locale])} hint="Those in which the published version answers.">
        Offer the agent's languages
      </Checkbox>
      {languages !== null && (
        <Field label="Offered" group error={form.error("languages")}>
          <div class="languages">
            {all.map((one) => (
              <Checkbox key={one} checked={languages.includes(one)} onChange={(on) => (form.touch("languages"), form.set("languages", on ? [...languages, one] : languages.filter((other) => other !== one)))}>
                {languageName(one)}
              </Checkbox>
            ))}
          </div>
        </Field>
      )}
    </Card>
  );
}
