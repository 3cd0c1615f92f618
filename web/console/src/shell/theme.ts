/** Light, dark, or as the system is: the person's choice, kept in this browser. */

type Theme = "auto" | "light" | "dark";
const KEY = "agenthub.theme";

export const theme = (): Theme => (localStorage.getItem(KEY) as Theme | null) ?? "auto";

export function applyTheme(next: Theme = theme()): void {
  localStorage.setItem(KEY, next);
  document.documentElement.dataset.theme = next;
  dispatchEvent(new Event("themechange"));
}

/** Whether the page is dark at this moment. */
export const isDark = (): boolean => theme() === "dark" || (theme() === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
