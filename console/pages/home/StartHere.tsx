import { Panel } from '#console/ui/Panel.tsx'
import classes from './HomePage.module.css'

/** What a workspace without a single record does first; it goes away with the first of them. */
export function StartHere() {
  const lead = `curl -X POST ${window.location.origin}/api/v1/integrations/sales/leads \\
  -H "Authorization: Bearer $THROUGHLINE_KEY" \\
  -H 'content-type: application/json' \\
  -d '{"email":"ada@example.com","company":"Example"}'`
  return (
    <Panel title="Start here" hint="Nothing has come in yet. Each of these begins the chain." flush>
      <ol className={classes.start}>
        <li>
          <h3>Send the first lead</h3>
          {/* A block that is wider than the screen scrolls, and so takes the keyboard. */}
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <pre tabIndex={0} aria-label="A call that sends a lead">
            <code>{lead}</code>
          </pre>
          <p>
            A key comes from <code>npm run throughline -- keys create --name first</code>.
          </p>
        </li>
        <li>
          <h3>Connect a CRM</h3>
          <p>
            Leads then go there with their score and owner, and won deals come back.{' '}
            <a href="/docs" className="tl-link">
              See Connections in the API documentation
            </a>
            .
          </p>
        </li>
        <li>
          <h3>Look at a company that runs</h3>
          <p>
            <code>npm run demo</code> starts a made-up company on a CRM sandbox, with a year of
            touches, leads and deals.
          </p>
        </li>
      </ol>
    </Panel>
  )
}
