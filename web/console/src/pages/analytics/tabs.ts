/** What each tab shows: its tiles, its charts, and by what its breakdown ranks. */

import type { Name } from "./figures";

export interface Drawn {
  title: string;
  /** Drawn together; the first is the one that is compared with the span before. */
  names: Name[];
  wide?: boolean;
}

export interface Tab {
  id: "volume" | "quality" | "speed" | "cost";
  label: string;
  tiles: Name[];
  charts: Drawn[];
  ranked: Name[];
}

export const TABS: Tab[] = [
  {
    id: "volume",
    label: "Volume",
    tiles: ["conversations", "turns", "visitors", "leads"],
    charts: [
      { title: "Conversations", names: ["conversations"] },
      { title: "Turns", names: ["turns"] },
      { title: "Visitors", names: ["visitors", "returning_visitors"] },
      { title: "Turns per conversation", names: ["turns_per_conversation"] },
    ],
    ranked: ["conversations", "turns"],
  },
  {
    id: "quality",
    label: "Quality",
    tiles: ["resolution_rate", "helpful_rate", "rating", "hand_off_rate"],
    charts: [
      { title: "Resolved and handed off", names: ["resolved", "hand_offs"] },
      { title: "Errors", names: ["error_rate"] },
      { title: "Helpful answers", names: ["helpful_rate"] },
      { title: "Rating", names: ["rating"] },
    ],
    ranked: ["resolution_rate", "error_rate"],
  },
  {
    id: "speed",
    label: "Speed",
    tiles: ["first_token_p50_ms", "first_token_p95_ms", "latency_p50_ms", "latency_p95_ms"],
    charts: [
      { title: "First token", names: ["first_token_p50_ms", "first_token_p95_ms", "first_token_p99_ms"], wide: true },
      { title: "Whole answer", names: ["latency_p50_ms", "latency_p95_ms", "latency_p99_ms"], wide: true },
    ],
    ranked: ["first_token_p95_ms", "latency_p95_ms"],
  },
  {
    id: "cost",
    label: "Cost",
    tiles: ["charge", "charge_per_conversation", "cost", "cost_per_conversation"],
    charts: [
      { title: "Charge", names: ["charge"] },
      { title: "Charge per conversation", names: ["charge_per_conversation", "cost_per_conversation"] },
      { title: "Input tokens", names: ["input_tokens", "cached_input_tokens"] },
      { title: "Output tokens", names: ["output_tokens", "reasoning_tokens"] },
    ],
    ranked: ["charge", "charge_per_conversation"],
  },
];
