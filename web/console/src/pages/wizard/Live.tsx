/** The end: the agent answers. Try it on a page, take the line for the site. */

import { useResource } from "../../api/resource";
import { Button, Card, Code, Note } from "../../parts/basics";
import { Page } from "../../parts/page";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { here } from "../../session/config";
import type { Agent } from "./draft";

export function Live({ agent, widget }: { agent: Agent; widget: string }) {
  const embed = useResource("/api/widgets/{widget}/embed", { path: { widget } });
  const made = useResource("/api/widgets/{widget}", { path: { widget } });
  const sites = made.data?.allowed_origins.filter((origin) => origin !== new URL(here()).origin) ?? [];
  return (
    <Page title="It lives" form>
      <Note tone="success" title={`${agent.name} is published and answers visitors`} role="status">
        {made.data && <p>{sites.length ? `Its widget may open on ${sites.join(", ")}.` : "Its widget may open on this console only, until you name your site."}</p>}
      </Note>
      <Card title="Try it on a page">
        <p>An example page, not your site: the widget on it is as your visitors will see it. Turns are charged there, too.</p>
        <div class="row">
          <Button kind="primary" icon="external" external href={new URL(`try.html?widget=${encodeURIComponent(widget)}`, here()).href}>
            Try it on a page
          </Button>
          <Button href={to(`/widgets/${widget}`, { tab: "embed" })}>Open the widget</Button>
        </div>
      </Card>
      <Card title="Put it on your site">
        <p>Paste this line before the end of each page, just above &lt;/body&gt;.</p>
        <Loaded from={embed}>
          {(data) => (
            <>
              <Code text={data.script} label="Embed code" />
              {data.content_security_policy.length > 0 && (
                <details class="section">
                  <summary>My site has a content security policy</summary>
                  <Code text={data.content_security_policy.join("\n")} label="Content security policy" />
                </details>
              )}
              {data.note && <p class="muted">{data.note}</p>}
            </>
          )}
        </Loaded>
        {made.data && !sites.length && (
          <Note tone="warning" title="Name your site, or the widget stays closed there">
            <a href={to(`/widgets/${widget}`, { tab: "embed" })}>Add your site</a>
          </Note>
        )}
      </Card>
      <Card title="What is next">
        <ul class="stack tight">
          <li>
            <a href={to(`/agents/${agent.id}`, { tab: "knowledge" })}>Teach it more</a> <span class="muted">The best way to better answers.</span>
          </li>
          <li>
            <a href={to("/conversations")}>Read its conversations</a> <span class="muted">They appear as soon as a visitor writes.</span>
          </li>
          <li>
            <a href={to("/billing", { tab: "caps" })}>Set a cap</a> <span class="muted">So that a month costs what you decide.</span>
          </li>
        </ul>
      </Card>
    </Page>
  );
}
