/** Tables as CSV (RFC 4180), such that a spreadsheet takes no text for a formula; and a file that was made in the page. */

export type Cell = string | number | null | undefined;

/** A text as a cell: quoted where needed; what a spreadsheet would compute begins with an apostrophe. */
export function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return safe !== text || /[",\r\n]/.test(safe) || /^\s|\s$/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** Numbers go as they are, to the last digit and without grouping; unknown is empty. */
const cell = (value: Cell): string => (value === null || value === undefined ? "" : typeof value === "number" ? (Number.isFinite(value) ? String(value) : "") : quoted(value));

export const csv = (rows: Cell[][]): string => rows.map((row) => row.map(cell).join(",") + "\r\n").join("");

/** A name that every file system takes: "Conversations by day, Linden Dental.csv". */
export const fileName = (name: string, ending: string): string => `${name.replace(/[\u0000-\u001f\\/:*?"<>|]+/g, " ").replace(/\s+/g, " ").trim().slice(0, 120) || "Figures"}.${ending}`;

/** Give the person a file that was made in the page. */
export function save(name: string, type: string, contents: BlobPart): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([contents], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
