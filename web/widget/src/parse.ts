/** Reads foreign JSON without believing it: whatever is missing or of another type becomes an empty value. */

export type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function text(value: unknown, otherwise = ""): string {
  return typeof value === "string" ? value : otherwise;
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value of a JSON text; null when it is none. */
export function json(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return null;
  }
}

/** The address itself when a browser may follow it (http or https), else nothing: no script, no data, no file. */
export function webAddress(value: unknown): string {
  return /^https?:\/\/[^\s]+$/i.test(text(value)) ? text(value) : "";
}
