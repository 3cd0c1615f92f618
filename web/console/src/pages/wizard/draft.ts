/** The draft as the wizard's fields see it: flat, with the pointer of each in the definition. */

import type { Loose, Schemas } from "../../api/client";
import type { Form } from "../../parts/form";

export type Definition = Schemas["functions__agents__models__Definition"];
export type Industry = Schemas["ShownIndustry"];
export type Agent = Schemas["ShownAgent"];

export type Fields = {
  industry: string;
  business_name: string;
  business_description: string;
  business_contact: string;
  opening_hours: string;
  language: string;
  tone: Tone;
  goals: string[];
  must_do: string[];
  must_not_do: string[];
  notice: string;
  model: string;
  name: string;
  greeting: string;
  sample_questions: string[];
};
export type Tone = Schemas["ShownTone"]["id"];
export type DraftForm = Form<Fields>;

/** What a person calls each field. */
export const NAMES: Record<keyof Fields, string> = {
  industry: "Industry",
  business_name: "Name of the business",
  business_description: "What the business does",
  business_contact: "How people reach it",
  opening_hours: "Opening hours",
  language: "Language",
  tone: "Tone",
  goals: "Goals",
  must_do: "What it must do",
  must_not_do: "What it must not do",
  notice: "Notice",
  model: "Model",
  name: "Name of the agent",
  greeting: "Greeting",
  sample_questions: "Suggested questions",
};

export function fieldsOf(definition: Definition): Fields {
  const { business, model } = definition;
  return {
    industry: definition.industry ?? "general",
    business_name: business?.name ?? "",
    business_description: business?.description ?? "",
    business_contact: business?.contact ?? "",
    opening_hours: business?.opening_hours ?? "",
    language: definition.languages?.[0] ?? "en",
    tone: definition.tone ?? "friendly",
    goals: definition.goals ?? [],
    must_do: definition.must_do ?? [],
    must_not_do: definition.must_not_do ?? [],
    notice: definition.notice ?? "",
    model: `${model.provider}/${model.id}`,
    name: definition.name,
    greeting: definition.greeting ?? "",
    sample_questions: definition.sample_questions ?? [],
  };
}

/** The merge patch that makes these changes to `now`. */
export function patchOf(changed: Partial<Fields>, now: Definition): Loose<Schemas["Answers"]> {
  const { business_name, business_description, business_contact, opening_hours, language, model, ...same } = changed;
  const business = given({ name: business_name, description: business_description, contact: business_contact, opening_hours });
  const languages = language === undefined ? undefined : [language, ...(now.languages ?? []).slice(1).filter((one) => one !== language)];
  return given({ ...same, languages, business: Object.keys(business).length ? business : undefined, model: model === undefined ? undefined : modelOf(model, now) });
}

/** Another model takes other levels of thinking, and cannot be its own fallback. */
function modelOf(name: string, now: Definition): Loose<Schemas["ModelChoiceAnswers"]> {
  const at = name.indexOf("/");
  const [provider, id] = [name.slice(0, at), name.slice(at + 1)];
  const fallback = now.model.fallback;
  return { provider, id, thinking: null, ...(fallback && fallback.provider === provider && fallback.id === id ? { fallback: null } : {}) };
}

function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

const PROPOSED = ["tone", "goals", "must_do", "must_not_do", "notice", "greeting", "sample_questions"] as const;

/** Another industry brings its own proposals, but only where the person still has those of the one before. */
export function takeIndustry(form: DraftForm, before: Industry | undefined, next: Industry): void {
  form.set("industry", next.id);
  for (const name of PROPOSED) if (before && JSON.stringify(form.values[name]) === JSON.stringify(before[name])) form.set(name, next[name]);
}

export const STEPS = [
  { id: "industry", label: "Industry" },
  { id: "goals", label: "Goals and tone" },
  { id: "model", label: "Model" },
  { id: "knowledge", label: "Knowledge" },
  { id: "look", label: "Look" },
  { id: "review", label: "Review" },
] as const;
export type Step = (typeof STEPS)[number]["id"];

export const stepOf = (name: string | undefined): Step => STEPS.find((step) => step.id === name)?.id ?? "industry";

/** The step on which a place of the definition is filled in; none for what only the agent's own page has. */
export function stepAt(pointer: string, code: string): Step | undefined {
  if (code.endsWith("without_knowledge")) return "knowledge";
  if (/^\/(business|goals|must_do|must_not_do|notice|tone|languages)\b/.test(pointer)) return "goals";
  if (/^\/(name|greeting|sample_questions)\b/.test(pointer)) return "look";
  if (pointer.startsWith("/model")) return "model";
  return pointer.startsWith("/industry") ? "industry" : undefined;
}
