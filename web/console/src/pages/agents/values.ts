/** A definition as the settings form holds it, flat; and the merge patch that a change of it makes. */

import type { Loose, Schemas } from "../../api/client";
import { modelId } from "./catalogue";

type Definition = Schemas["functions__agents__models__Definition"];
export type Hours = Schemas["Hours"];
export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

// A type, not an interface: useForm takes records of values.
export type Values = {
  name: string;
  industry: string;
  business_name: string;
  business_description: string;
  business_contact: string;
  opening_hours: string;
  hours: Hours | null;
  languages: string[];
  tone: NonNullable<Definition["tone"]>;
  goals: string[];
  must_do: string[];
  must_not_do: string[];
  notice: string;
  instructions: string;
  greeting: string;
  sample_questions: string[];
  away_message: string;
  hand_off_enabled: boolean;
  hand_off_triggers: string[];
  hand_off_message: string;
  hand_off_away: string;
  leads_enabled: boolean;
  leads_triggers: string[];
  leads_message: string;
  passages: string;
  model: string;
  temperature: string;
  thinking: string;
  max_output_tokens: string;
  fallback: string;
};

/** Where each field stands in the definition: for errors, links from warnings, and the focus. */
export const POINTERS: Record<keyof Values, string> = {
  name: "/name",
  industry: "/industry",
  business_name: "/business/name",
  business_description: "/business/description",
  business_contact: "/business/contact",
  opening_hours: "/business/opening_hours",
  hours: "/business/hours",
  languages: "/languages",
  tone: "/tone",
  goals: "/goals",
  must_do: "/must_do",
  must_not_do: "/must_not_do",
  notice: "/notice",
  instructions: "/instructions",
  greeting: "/greeting",
  sample_questions: "/sample_questions",
  away_message: "/away_message",
  hand_off_enabled: "/hand_off/enabled",
  hand_off_triggers: "/hand_off/triggers",
  hand_off_message: "/hand_off/message",
  hand_off_away: "/hand_off/away_message",
  leads_enabled: "/leads/enabled",
  leads_triggers: "/leads/triggers",
  leads_message: "/leads/message",
  passages: "/knowledge/passages",
  model: "/model/id",
  temperature: "/model/temperature",
  thinking: "/model/thinking",
  max_output_tokens: "/model/max_output_tokens",
  fallback: "/model/fallback",
};

export const NAMES: Record<keyof Values, string> = {
  name: "Name",
  industry: "Industry",
  business_name: "Business",
  business_description: "What it does",
  business_contact: "Contact",
  opening_hours: "Opening hours in words",
  hours: "When a person can be reached",
  languages: "Languages",
  tone: "Tone",
  goals: "Goals",
  must_do: "Must",
  must_not_do: "Must not",
  notice: "Notice on advice",
  instructions: "Other instructions",
  greeting: "Greeting",
  sample_questions: "Sample questions",
  away_message: "Away message",
  hand_off_enabled: "Hand-off",
  hand_off_triggers: "Hand over when",
  hand_off_message: "Said at a hand-off",
  hand_off_away: "Said when nobody is there",
  leads_enabled: "Leads",
  leads_triggers: "Ask for contact details when",
  leads_message: "Said when asking",
  passages: "Passages a question",
  model: "Model",
  temperature: "Temperature",
  thinking: "Thinking",
  max_output_tokens: "Longest answer",
  fallback: "Fallback model",
};

const text = (value: number | null | undefined) => (value === null || value === undefined ? "" : String(value));

export function valuesOf(definition: Definition): Values {
  const { business, hand_off, leads, knowledge, model } = definition;
  return {
    name: definition.name,
    industry: definition.industry ?? "",
    business_name: business?.name ?? "",
    business_description: business?.description ?? "",
    business_contact: business?.contact ?? "",
    opening_hours: business?.opening_hours ?? "",
    hours: business?.hours ?? null,
    languages: definition.languages ?? [],
    tone: definition.tone ?? "friendly",
    goals: definition.goals ?? [],
    must_do: definition.must_do ?? [],
    must_not_do: definition.must_not_do ?? [],
    notice: definition.notice ?? "",
    instructions: definition.instructions ?? "",
    greeting: definition.greeting ?? "",
    sample_questions: definition.sample_questions ?? [],
    away_message: definition.away_message ?? "",
    hand_off_enabled: hand_off?.enabled ?? true,
    hand_off_triggers: hand_off?.triggers ?? [],
    hand_off_message: hand_off?.message ?? "",
    hand_off_away: hand_off?.away_message ?? "",
    leads_enabled: leads?.enabled ?? false,
    leads_triggers: leads?.triggers ?? [],
    leads_message: leads?.message ?? "",
    passages: text(knowledge?.passages),
    model: modelId(model),
    temperature: text(model.temperature),
    thinking: model.thinking ?? "",
    max_output_tokens: text(model.max_output_tokens),
    fallback: model.fallback ? modelId(model.fallback) : "",
  };
}

const split = (id: string) => {
  const at = id.indexOf("/");
  return { provider: id.slice(0, at), id: id.slice(at + 1) };
};
const number = (value: string) => (value.trim() === "" ? null : Number(value));

/** The JSON merge patch of these changes: lists whole, an emptied number as null, which is the default. */
export function patchOf(changed: Partial<Values>): Loose<Schemas["Answers"]> {
  const business: Loose<Schemas["BusinessAnswers"]> = {};
  const handOff: Loose<Schemas["HandOffAnswers"]> = {};
  const leads: Loose<Schemas["LeadsAnswers"]> = {};
  const model: Loose<Schemas["ModelChoiceAnswers"]> = {};
  const patch: Loose<Schemas["Answers"]> = {};
  for (const name of ["name", "industry", "notice", "instructions", "greeting", "away_message"] as const) if (changed[name] !== undefined) patch[name] = changed[name];
  for (const name of ["languages", "goals", "must_do", "must_not_do", "sample_questions"] as const) if (changed[name] !== undefined) patch[name] = changed[name];
  if (changed.tone !== undefined) patch.tone = changed.tone;
  if (changed.business_name !== undefined) business.name = changed.business_name;
  if (changed.business_description !== undefined) business.description = changed.business_description;
  if (changed.business_contact !== undefined) business.contact = changed.business_contact;
  if (changed.opening_hours !== undefined) business.opening_hours = changed.opening_hours;
  // A merge keeps what is not said, so every day is said.
  if (changed.hours !== undefined) business.hours = changed.hours && { ...Object.fromEntries(DAYS.map((day) => [day, []])), ...changed.hours };
  if (changed.hand_off_enabled !== undefined) handOff.enabled = changed.hand_off_enabled;
  if (changed.hand_off_triggers !== undefined) handOff.triggers = changed.hand_off_triggers;
  if (changed.hand_off_message !== undefined) handOff.message = changed.hand_off_message || null;
  if (changed.hand_off_away !== undefined) handOff.away_message = changed.hand_off_away || null;
  if (changed.leads_enabled !== undefined) leads.enabled = changed.leads_enabled;
  if (changed.leads_triggers !== undefined) leads.triggers = changed.leads_triggers;
  if (changed.leads_message !== undefined) leads.message = changed.leads_message || null;
  if (changed.passages !== undefined) patch.knowledge = { passages: number(changed.passages) };
  if (changed.model !== undefined) Object.assign(model, split(changed.model));
  if (changed.temperature !== undefined) model.temperature = number(changed.temperature);
  if (changed.thinking !== undefined) model.thinking = changed.thinking || null;
  if (changed.max_output_tokens !== undefined) model.max_output_tokens = number(changed.max_output_tokens);
  if (changed.fallback !== undefined) model.fallback = changed.fallback ? split(changed.fallback) : null;
  if (Object.keys(business).length) patch.business = business;
  if (Object.keys(handOff).length) patch.hand_off = handOff;
  if (Object.keys(leads).length) patch.leads = leads;
  if (Object.keys(model).length) patch.model = model;
  return patch;
}
