/** The six themes as pictures to choose from. */

import { useId } from "preact/hooks";
import type { Schemas } from "../../api/client";

interface Props {
  items: Schemas["Template"][];
  value: Schemas["Template"]["name"];
  onChange: (name: Schemas["Template"]["name"]) => void;
}

/** An image may hold a drawing of the API: as an image nothing in it can act. */
const address = (svg: string): string => `data:image/svg+xml,${encodeURIComponent(svg)}`;

export function Templates({ items, value, onChange }: Props) {
  const id = useId();
  return (
    <fieldset class="stack tight">
      <legend class="hidden">Template</legend>
      <div class="templates">
        {items.map((item) => (
          <label key={item.name} title={item.description}>
            <input type="radio" name={id} checked={item.name === value} onChange={() => onChange(item.name)} />
            <img src={address(item.preview.light)} alt="" width={320} height={200} />
            <span>{item.title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
