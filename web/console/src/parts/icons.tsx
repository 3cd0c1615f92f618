/** The icons: 20 px, drawn with one stroke of 1.5, hidden from screen readers because words stand beside them. */

const PATHS = {
  home: "M3.5 9 10 3.5 16.5 9v7.5h-4.5v-4.5h-4v4.5h-4.5z",
  agents: "M5.5 6.5h9a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2zM10 6.5v-3M7.5 10.5v1M12.5 10.5v1",
  conversations: "M4 4.5h12v9H9.5L6 16.5v-3H4z",
  analytics: "M3.5 16.5h13M5.5 13.5v-3M10 13.5v-7M14.5 13.5v-10",
  widgets: "M3.5 4.5h13v11h-13zM3.5 7.5h13M10.5 10h4v3.5h-4z",
  billing: "M5 3.5h10v13l-2.5-1.5-2.5 1.5-2.5-1.5L5 16.5zM7.5 7.5h5M7.5 10.5h5",
  activity: "M3 10h3l2.5-5.5 3 11L14 10h3",
  settings: "M10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM10 3v2M10 15v2M3 10h2M15 10h2M5 5l1.5 1.5M13.5 13.5 15 15M15 5l-1.5 1.5M6.5 13.5 5 15",
  status: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM7 10l2 2 4-4",
  operator: "M10 3 4 5.5v4c0 3.5 2.5 6 6 7.5 3.5-1.5 6-4 6-7.5v-4z",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM12.5 12.5 16.5 16.5",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5 5 15",
  check: "M4.5 10.5 8 14l7.5-8",
  copy: "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
  warning: "M10 3.5 17 16H3zM10 8v4M10 14h.01",
  error: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM10 6.5v4M10 13h.01",
  info: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM10 9v4.5M10 6.5h.01",
  clock: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM10 6.5V10l2.5 1.5",
  pause: "M7.5 5v10M12.5 5v10",
  dot: "M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  up: "M10 16V4M5 9l5-5 5 5",
  down: "M10 4v12M5 11l5 5 5-5",
  next: "M7.5 4.5 13 10l-5.5 5.5",
  back: "M12.5 4.5 7 10l5.5 5.5",
  expand: "M5 7.5l5 5 5-5",
  refresh: "M15.5 8A6 6 0 1 0 16 11M16 4v4h-4",
  download: "M10 3.5v9M6 9l4 4 4-4M4 16.5h12",
  trash: "M4.5 6h11M8 6V4h4v2M6 6l.7 10.5h6.6L14 6M8.5 9v4.5M11.5 9v4.5",
  edit: "M4 16l.8-3.2L13 4.5 15.5 7l-8.2 8.2z",
  send: "M3.5 10 16.5 4l-4 12.5-3-5z",
  person: "M10 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 16.5c.8-3 3-4.5 6-4.5s5.2 1.5 6 4.5",
  external: "M11 4.5h4.5V9M15.5 4.5 9 11M8 5.5H4.5v10h10V12",
  key: "M7 8.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM9.2 9.5 16 4M13 6.5l2 2",
  thumbUp: "M7 9v7.5H4V9zM7 9l3-5.5c1.5 0 2 1 1.7 2.5L11 8.5h4.5L14.5 16H7",
  thumbDown: "M7 11V3.5H4V11zM7 11l3 5.5c1.5 0 2-1 1.7-2.5L11 11.5h4.5L14.5 4H7",
  hand: "M6 10V6.5a1 1 0 0 1 2 0V9V4.5a1 1 0 0 1 2 0V9V5.5a1 1 0 0 1 2 0V10V7.5a1 1 0 0 1 2 0V12c0 3-1.8 4.5-4 4.5-2 0-3-.8-4-2.5L4 11.5c.5-1 1.3-1 2 0z",
  book: "M4 4.5h5c.6 0 1 .4 1 1v10c0-.6-.4-1-1-1H4zM16 4.5h-5c-.6 0-1 .4-1 1v10c0-.6.4-1 1-1h5z",
  moon: "M15.5 12A6.5 6.5 0 0 1 8 4.5a6.5 6.5 0 1 0 7.5 7.5z",
  pin: "M7 3.5h6M8 3.5v5L5.5 11.5h9L12 8.5v-5M10 11.5v5",
  out: "M8 4.5H4.5v11H8M12.5 6.5 16 10l-3.5 3.5M16 10H8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
