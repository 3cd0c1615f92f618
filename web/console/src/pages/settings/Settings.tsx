/** The settings of a workspace: itself, who belongs to it, and what programs may do. */

import "../../styles/settings.css";
import { Page, Tabs } from "../../parts/page";
import { useQuery } from "../../routing";
import { may } from "../../session/session";
import Keys from "./Keys";
import Members from "./Members";
import { Notifications, WorkspaceForm } from "./General";
import { Closing, Leaving, WholeExport } from "./Data";
import Webhooks from "./Webhooks";

export default function Settings() {
  const [query] = useQuery();
  const tabs = [
    { id: "workspace", label: "Workspace", href: "/settings" },
    { id: "members", label: "Members", href: "/settings?tab=members" },
    ...(may("admin")
      ? [
          { id: "keys", label: "API keys", href: "/settings?tab=keys" },
          { id: "webhooks", label: "Webhooks", href: "/settings?tab=webhooks" },
          { id: "notifications", label: "Notifications", href: "/settings?tab=notifications" },
        ]
      : []),
  ];
  const current = tabs.find((tab) => tab.id === query.tab)?.id ?? "workspace";
  return (
    <Page title="Settings" tabs={<Tabs label="Settings" current={current} tabs={tabs} />}>
      {current === "workspace" && (
        <div class="stack loose narrow">
          <WorkspaceForm />
          {may("admin") && <WholeExport />}
          <Leaving />
          {may("owner") && <Closing />}
        </div>
      )}
      {current === "notifications" && (
        <div class="narrow">
          <Notifications />
        </div>
      )}
      {current === "members" && <Members />}
      {current === "keys" && <Keys />}
      {current === "webhooks" && <Webhooks />}
    </Page>
  );
}
