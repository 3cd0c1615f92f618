/** A widget as the form's flat values, so that two people's changes are compared field by field; and back again. */

import type { Schemas } from "../../api/client";

export type Widget = Schemas["Widget"];
export type Texts = Schemas["Texts"];
export type Locale = string;

/** What an owner decides; the theme's parts stand beside the rest. */
export type Values = {
  name: string;
  agent_id: string;
  theme_name: Schemas["Theme"]["name"];
  accent: string | null;
  accent_dark: string | null;
  bubble: string | null;
  bubble_dark: string | null;
  radius: number | null;
  font: Schemas["Theme"]["font"];
  mode: Schemas["Theme"]["mode"];
  position: Schemas["Theme"]["position"];
  allowed_origins: string[];
  texts: Record<Locale, Texts>;
  default_locale: Locale;
  languages: Locale[] | null;
  suggested_questions: string[] | null;
  feedback: boolean;
  rating: boolean;
  hand_off: boolean;
  pre_chat: Schemas["PreChat"] | null;
  proactive: Schemas["Proactive"] | null;
  turns_per_hour: number;
  sessions_per_minute: number;
  sessions_per_address: number;
};

const THEME = ["theme_name", "accent", "accent_dark", "bubble", "bubble_dark", "radius", "font", "mode", "position"] as const;

export const NAMES: Partial<Record<keyof Values, string>> = {
  name: "Name",
  agent_id: "Agent",
  theme_name: "Template",
  accent: "Accent, light",
  accent_dark: "Accent, dark",
  bubble: "Bubble, light",
  bubble_dark: "Bubble, dark",
  radius: "Corner radius",
  mode: "Light or dark",
  default_locale: "First language",
  suggested_questions: "Suggested questions",
  allowed_origins: "Allowed origins",
  hand_off: "Hand-off",
  pre_chat: "Form before the first message",
  proactive: "Proactive message",
  turns_per_hour: "Turns an hour",
  sessions_per_minute: "Sessions a minute",
  sessions_per_address: "Sessions a minute from one address",
};

/** The pointer of a field in the request; the theme's parts lie deeper. */
export const pointerOf = (name: keyof Values): string => (name === "theme_name" ? "/theme/name" : (THEME as readonly string[]).includes(name) ? `/theme/${name}` : `/${name}`);

export function valuesOf(widget: Widget): Values {
  const { theme, texts, ...rest } = widget;
  const { name: theme_name, ...look } = theme;
  return {
    name: rest.name,
    agent_id: rest.agent_id,
    theme_name,
    ...look,
    allowed_origins: rest.allowed_origins,
    texts: Object.fromEntries(Object.entries(texts).map(([locale, words]) => [locale, given(words)])) as Record<Locale, Texts>,
    default_locale: rest.default_locale,
    languages: rest.languages ?? null,
    suggested_questions: rest.suggested_questions,
    feedback: rest.feedback,
    rating: rest.rating,
    hand_off: rest.hand_off,
    pre_chat: rest.pre_chat ?? null,
    proactive: rest.proactive ?? null,
    turns_per_hour: rest.turns_per_hour,
    sessions_per_minute: rest.sessions_per_minute,
    sessions_per_address: rest.sessions_per_address,
  };
}

/** Words that say something: an empty one is the agent's or the script's own. */
export const given = (words: Partial<Texts>): Partial<Texts> => Object.fromEntries(Object.entries(words).filter(([, value]) => value));

const themeOf = (all: Values): Schemas["Theme"] => ({
  name: all.theme_name,
  accent: all.accent,
  accent_dark: all.accent_dark,
  bubble: all.bubble,
  bubble_dark: all.bubble_dark,
  radius: all.radius,
  font: all.font,
  mode: all.mode,
  position: all.position,
});

/** The change that stores `changed`; the theme goes whole. What is absent stays, which the contract's type cannot say. */
export function changeOf(changed: Partial<Values>, all: Values): Schemas["WidgetChange"] {
  const names = Object.keys(changed);
  const plain = Object.fromEntries(Object.entries(changed).filter(([name]) => !(THEME as readonly string[]).includes(name)));
  const theme = names.some((name) => (THEME as readonly string[]).includes(name)) ? { theme: themeOf(all) } : {};
  return { ...plain, ...theme } as Schemas["WidgetChange"];
}

/** The unsaved widget, for the preview. */
export function unsaved(all: Values): Schemas["NewWidget"] {
  const { theme_name, accent, accent_dark, bubble, bubble_dark, radius, font, mode, position, ...rest } = all;
  return { ...rest, theme: themeOf(all), texts: rest.texts, identity_required: false } as unknown as Schemas["NewWidget"];
}

/** A widget that nobody has made yet: the agent's words in its first language, in the colours of a template. */
export function imagined(agent: string, theme: Schemas["Theme"]["name"], language: Locale, greeting: string, questions: string[]): Schemas["NewWidget"] {
  const words = { texts: { [language]: { greeting } }, languages: [language], default_locale: language, suggested_questions: questions };
  // What is absent is the default, which the contract's type cannot say.
  return { agent_id: agent, name: "Not made yet", theme: { name: theme }, ...words, feedback: false } as unknown as Schemas["NewWidget"];
}

const LOCAL = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;
const SECURE = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/;

/** What is wrong with an origin; nothing when it is one. */
export function originError(text: string): string | undefined {
  const origin = text.trim().toLowerCase().replace(/\/$/, "");
  if (LOCAL.test(origin) || SECURE.test(origin)) return undefined;
  if (/^http:/.test(origin)) return `${text}: plain http is for localhost only; use https.`;
  return `${text}: write scheme and host without a path, such as https://www.example.com.`;
}

/** What can be told before anything is sent. */
export function check(values: Values): Partial<Record<keyof Values, string | undefined>> {
  const colour = (value: string | null) => (value !== null && !/^#[0-9a-f]{6}$/i.test(value) ? "Write a colour as #1C1D21." : undefined);
  const whole = (value: number, most: number) => (Number.isInteger(value) && value >= 1 && value <= most ? undefined : `A whole number from 1 to ${most}.`);
  const unnamed = values.pre_chat?.fields.some((field) => field.kind === "custom" && !Object.values(field.labels ?? {}).some(Boolean));
  return {
    name: values.name.trim() ? undefined : "Give it a name; only your team sees it.",
    accent: colour(values.accent),
    accent_dark: colour(values.accent_dark),
    bubble: colour(values.bubble),
    bubble_dark: colour(values.bubble_dark),
    allowed_origins: values.allowed_origins.map(originError).find(Boolean),
    suggested_questions: (values.suggested_questions?.length ?? 0) > 4 ? "Four at most: more than that nobody reads." : undefined,
    languages: values.languages?.length === 0 ? "Choose at least one language." : undefined,
    pre_chat: unnamed ? "Say what your own question asks for." : values.pre_chat?.fields.length === 0 ? "Ask for something, or turn the form off." : undefined,
    proactive: values.proactive && !values.proactive.after_seconds && !values.proactive.scroll_percent ? "Give seconds, a share of the page, or both." : undefined,
    turns_per_hour: whole(values.turns_per_hour, 600),
    sessions_per_minute: whole(values.sessions_per_minute, 1200),
    sessions_per_address: whole(values.sessions_per_address, 60),
  };
}

export const languageName = (locale: Locale): string => {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(locale) ?? locale;
  } catch {
    return locale;
  }
};

export const rightToLeft = (locale: Locale): boolean => /^(ar|ckb|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/i.test(locale);
