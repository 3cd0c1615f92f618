/** What is shown once: it cannot be closed by accident, only by saying that it is stored. */

import { Button, Code, Note } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";

export function Secret({ title, parts, children, onStored }: { title: string; parts: { label: string; text: string }[]; children?: preact.ComponentChildren; onStored: () => void }) {
  return (
    <Dialog
      title={title}
      closable={false}
      onClose={onStored}
      footer={
        <Button kind="primary" onClick={onStored}>
          I have stored it
        </Button>
      }
    >
      <Note tone="warning">It is shown this once. Nobody can look it up later, AgentHub neither.</Note>
      {parts.map(({ label, text }) => (
        <div key={label} class="stack tight">
          <span class="label">{label}</span>
          <Code text={text} label={label} />
        </div>
      ))}
      {children}
    </Dialog>
  );
}
