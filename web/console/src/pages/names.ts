/** Every page of the console: its path, its words, who sees it. The sidebar, the palette and the routes read this. */

import type { IconName } from "../parts/icons";
import type { Role } from "../session/session";

export interface Place {
  path: string;
  label: string;
  icon: IconName;
  role?: Role;
  operator?: boolean;
}

export const PLACES: Place[] = [
  { path: "/", label: "Home", icon: "home" },
  { path: "/agents", label: "Agents", icon: "agents" },
  { path: "/conversations", label: "Conversations", icon: "conversations" },
  { path: "/analytics", label: "Analytics", icon: "analytics" },
  { path: "/widgets", label: "Widgets", icon: "widgets" },
  { path: "/billing", label: "Billing", icon: "billing" },
  { path: "/activity", label: "Activity", icon: "activity" },
  { path: "/settings", label: "Settings", icon: "settings" },
  { path: "/status", label: "Status", icon: "status" },
  { path: "/operator", label: "Operator", icon: "operator", operator: true },
];
