import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ConnectButton } from '#console/pages/connections/ConnectButton.tsx'
import { connectorsQuery } from '#console/pages/connections/connections.queries.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Connections.module.css'

/** The systems that can be connected. */
export function Catalogue() {
  const connectors = useQuery(connectorsQuery)
  return (
    <Panel
      title="Connect a system"
      hint={
        <>
          To try without an account, start a sandbox with <code>npm run sandbox</code> (
          <code>-- --vendor pipedrive</code> or <code>salesforce</code>): it prints an address and a
          token for the form.
        </>
      }
    >
      {connectors.isError && <Problem error={connectors.error} />}
      {connectors.isPending && <Skeleton height={90} />}
      {connectors.data && (
        <ul className={classes.catalogue} aria-label="Systems">
          {connectors.data.map((connector) => (
            <li key={connector.vendor} className={classes.vendor}>
              <div>
                <h3 className={classes.vendorName}>{connector.label}</h3>
                <p className={classes.soft}>
                  {connector.logins.map(({ label }) => label).join(' · ')}
                </p>
                <p className={classes.soft}>
                  {connector.tellsChanges
                    ? 'Can tell of changes as they happen'
                    : 'Is asked for changes by the cadence of its streams'}
                </p>
              </div>
              <ConnectButton connector={connector} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
