/** Who speaks, where it may appear, what it asks first, what it says by itself, and how much of it a visitor may have. */

import type { Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { Button, Card } from "../../parts/basics";
import { Checkbox, Field, Input, Lines, Select } from "../../parts/fields";
import type { Form } from "../../parts/form";
import { languageName, type Values } from "./model";
import { NoSite } from "./NoSite";

type PreChatField = Schemas["PreChatField"];
const KINDS = { name: "Name", email: "Email", phone: "Phone", custom: "Your own question" } as const;

export function Behaviour({ form, locale }: { form: Form<Values>; locale: string }) {
  const { values, error, touch } = form;
  const agents = useAgents();
  const known = agents.all.some((one) => one.id === values.agent_id);
  return (
    <>
      <Card title="Widget">
        <Field label="Name" hint="For your team; visitors see the agent's name." pointer="/name" error={error("name")} onBlur={() => touch("name")}>
          <Input value={values.name} maxLength={80} onInput={(name) => form.set("name", name)} />
        </Field>
        <Field label="Agent" pointer="/agent_id" error={error("agent_id")}>
          <Select
            value={values.agent_id}
            onChange={(agent) => form.set("agent_id", agent)}
            options={[...(known ? [] : [{ value: values.agent_id, label: agents.name(values.agent_id) }]), ...agents.all.map((one) => ({ value: one.id, label: one.status === "active" ? one.name : `${one.name} (${one.status})` }))]}
          />
        </Field>
      </Card>
      <Card title="Allowed origins">
        {values.allowed_origins.length === 0 && <NoSite />}
        <Field label="Origins" hint="One a line: scheme and host, such as https://www.example.com." pointer="/allowed_origins" error={error("allowed_origins")} onBlur={() => touch("allowed_origins")}>
          <Lines value={values.allowed_origins} rows={4} placeholder="https://www.example.com" onChange={(origins) => form.set("allowed_origins", origins)} />
        </Field>
      </Card>
      <Card title="In the chat">
        <Checkbox checked={values.feedback} onChange={(on) => form.set("feedback", on)} hint="A thumb up or down under each answer.">
          Thumbs
        </Checkbox>
        <Checkbox checked={values.rating} onChange={(on) => form.set("rating", on)} hint="One to five stars for the whole conversation.">
          Rating
        </Checkbox>
        <Checkbox checked={values.hand_off} onChange={(on) => form.set("hand_off", on)} hint="Visitors may ask for a person.">
          Hand-off
        </Checkbox>
      </Card>
      <PreChat form={form} locale={locale} />
      <ProactiveMessage form={form} />
      <Card title="Limits">
        <NumberField form={form} name="turns_per_hour" label="Turns an hour for one visitor" most={600} />
        <NumberField form={form} name="sessions_per_minute" label="New sessions a minute" most={1200} />
        <NumberField form={form} name="sessions_per_address" label="New sessions a minute from one address" most={60} />
      </Card>
    </>
  );
}

type Counted = "turns_per_hour" | "sessions_per_minute" | "sessions_per_address";

function NumberField({ form, name, label, most }: { form: Form<Values>; name: Counted; label: string; most: number }) {
  const value = form.values[name];
  return (
    <Field label={label} hint={`1 to ${most}`} pointer={`/${name}`} error={form.error(name)} onBlur={() => form.touch(name)}>
      <Input type="number" number min={1} max={most} value={Number.isFinite(value) ? String(value) : ""} onInput={(text) => form.set(name, Number.parseInt(text, 10))} />
    </Field>
  );
}

function PreChat({ form, locale }: { form: Form<Values>; locale: string }) {
  const asked = form.values.pre_chat?.fields ?? null;
  const put = (fields: PreChatField[] | null) => form.set("pre_chat", fields && { fields });
  const change = (at: number, next: Partial<PreChatField>) => put(asked!.map((one, i) => (i === at ? { ...one, ...next } : one)));
  const free = (Object.keys(KINDS) as PreChatField["kind"][]).filter((kind) => (kind === "custom" ? (asked ?? []).filter((one) => one.kind === kind).length < 3 : !asked?.some((one) => one.kind === kind)));
  return (
    <Card title="Form before the first message">
      <Checkbox checked={asked !== null} onChange={(on) => put(on ? [{ kind: "name", required: true, labels: {} }] : null)} hint="What visitors give makes a lead; what they agree to is the consent under Texts.">
        Ask visitors for details first
      </Checkbox>
      {asked && (
        <Field label="Fields" group error={form.error("pre_chat")}>
          <ul class="stack tight">
            {asked.map((one, at) => (
              <li key={at} class="asked">
                <span class="grow">
                  {one.kind === "custom" ? (
                    <Input label={`Your own question in ${languageName(locale)}`} placeholder={`What to ask, in ${languageName(locale)}`} maxLength={80} value={(one.labels as Record<string, string> | undefined)?.[locale] ?? ""} onInput={(text) => change(at, { labels: labelled(one, locale, text) })} />
                  ) : (
                    KINDS[one.kind]
                  )}
                </span>
                <Checkbox checked={one.required} onChange={(required) => change(at, { required })}>
                  Required
                </Checkbox>
                <Button kind="quiet" icon="trash" label={`Do not ask for ${KINDS[one.kind].toLowerCase()}`} onClick={() => put(asked.filter((_, i) => i !== at))} />
              </li>
            ))}
          </ul>
          <div class="row">
            {free.map((kind) => (
              <Button key={kind} icon="plus" onClick={() => put([...asked, { kind, required: false, labels: {} }])}>
                {KINDS[kind]}
              </Button>
            ))}
          </div>
        </Field>
      )}
    </Card>
  );
}

/** The contract's type of a table by locale has no values; the API takes words. */
function labelled(field: PreChatField, locale: string, text: string): PreChatField["labels"] {
  const others = Object.fromEntries(Object.entries(field.labels ?? {}).filter(([one]) => one !== locale));
  return (text.trim() ? { ...others, [locale]: text } : others) as PreChatField["labels"];
}

function ProactiveMessage({ form }: { form: Form<Values> }) {
  const now = form.values.proactive;
  const put = (name: "after_seconds" | "scroll_percent", text: string) => {
    const value = Number.parseInt(text, 10);
    form.set("proactive", { ...now!, [name]: Number.isFinite(value) ? value : null });
  };
  return (
    <Card title="Proactive message">
      <Checkbox checked={now !== null} onChange={(on) => form.set("proactive", on ? { after_seconds: 20, scroll_percent: null } : null)} hint="Once a visit, beside the closed widget. Its words are under Texts.">
        Say something first
      </Checkbox>
      {now && (
        <>
          <Field label="After seconds" optional pointer="/proactive/after_seconds" error={form.error("proactive")} onBlur={() => form.touch("proactive")}>
            <Input type="number" number min={1} max={3600} value={now.after_seconds === null ? "" : String(now.after_seconds)} onInput={(text) => put("after_seconds", text)} />
          </Field>
          <Field label="After percent of the page" optional hint="The first of both." pointer="/proactive/scroll_percent" error={form.error("proactive", "/proactive/scroll_percent")}>
            <Input type="number" number min={1} max={100} value={now.scroll_percent === null ? "" : String(now.scroll_percent)} onInput={(text) => put("scroll_percent", text)} />
          </Field>
        </>
      )}
    </Card>
  );
}
