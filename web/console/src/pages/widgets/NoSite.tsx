/** Said wherever somebody might wonder why nobody sees the widget. */

import { Note } from "../../parts/basics";
import { to } from "../../routing";

export function NoSite({ widget }: { widget?: string }) {
  return (
    <Note tone="danger" title="Nobody can open this widget">
      <p>
        No site is allowed to show it yet. Add the origin of your site, such as https://www.example.com
        {widget ? (
          <>
            , under <a href={to(`/widgets/${widget}`, { tab: "behaviour" })}>Behaviour</a>.
          </>
        ) : (
          "."
        )}
      </p>
    </Note>
  );
}
