/** Pages for who runs AgentHub; everybody else is told so. */

import type { ComponentChildren } from "preact";
import { Empty } from "../../parts/basics";
import { Page } from "../../parts/page";
import { claims } from "../../session/session";

export function OnlyOperators({ title, children }: { title: string; children: ComponentChildren }) {
  if (claims.value?.operator) return <>{children}</>;
  return (
    <Page title={title}>
      <Empty level={2} title="For who runs AgentHub" action={<a class="button primary" href="#/">Go home</a>}>
        Your account is not an operator’s.
      </Empty>
    </Page>
  );
}
