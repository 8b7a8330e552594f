import { CodeBlock } from '#console/ui/CodeBlock.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const COMMANDS = `npm run throughline -- audit verify
npm run throughline -- audit export --out audit.jsonl
npm run throughline -- audit public-key > audit-key.pem
node bin/check-audit.js audit.jsonl audit-key.pem`

/** How somebody checks who does not trust this page. */
export function OfflineCheck() {
  return (
    <Panel
      title="Check it elsewhere"
      hint="For logs that are too long for one request, and for whoever does not take the hub’s word."
    >
      <div className={text.form}>
        <ol className={text.list}>
          <li>
            <code>audit verify</code> does the same on the machine of the hub, and ends with code 1
            at a fault.
          </li>
          <li>
            <code>audit export</code> and <code>audit public-key</code> write the log with its
            proof, and the key.
          </li>
          <li>
            <code>bin/check-audit.js</code> checks them on any machine, with nothing but Node; it
            shares no line with the hub.
          </li>
        </ol>
        <CodeBlock label="Commands">{COMMANDS}</CodeBlock>
      </div>
    </Panel>
  )
}
