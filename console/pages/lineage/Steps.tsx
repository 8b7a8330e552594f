import { Link } from '@tanstack/react-router'
import { formatInstant, formatMinute } from '#console/format.ts'
import { policies } from '#console/pages/conflicts/policy-words.ts'
import type { Step } from '#console/pages/lineage/lineage.queries.ts'
import { vendorLabel } from '#console/pages/sync/sync-words.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import classes from './Lineage.module.css'

const kinds: Readonly<Record<Step['kind'], string>> = {
  sync: 'Sync',
  import: 'Import',
  call: 'API call',
  merge: 'Merge',
}

/** The path backward: value, mapping, source record, run. */
export function Steps({
  steps,
  origin,
  record,
}: {
  steps: readonly Step[]
  origin: Step | null
  record: string
}) {
  const { timeZone } = useSession()
  if (steps.length === 0)
    return (
      <EmptyState title="Nothing is known of this field">
        No sync, import, call or merge touched it in as far as their history is kept. Check the name
        of the field.
      </EmptyState>
    )
  return (
    <ol className={classes.steps}>
      {steps.map((step, i) => (
        <li key={`${step.at.toISOString()} ${i}`} className={classes.step}>
          <div className={classes.head}>
            <Badge tone={step.brought ? 'good' : 'plain'}>{kinds[step.kind]}</Badge>
            {isSame(step, origin) && <Badge tone="info">Set the present value</Badge>}
            <time dateTime={step.at.toISOString()} title={formatInstant(step.at, timeZone)}>
              {formatMinute(step.at, timeZone)}
            </time>
          </div>
          <What step={step} record={record} />
        </li>
      ))}
    </ol>
  )
}

function isSame(step: Step, origin: Step | null): boolean {
  return (
    origin !== null &&
    step.kind === origin.kind &&
    step.at.getTime() === origin.at.getTime() &&
    step.connectionId === origin.connectionId &&
    step.requestId === origin.requestId
  )
}

function What({ step, record }: { step: Step; record: string }) {
  switch (step.kind) {
    case 'sync':
      return <Synced step={step} />
    case 'import':
      return (
        <p className={classes.what}>
          Row of the file of import <code>{step.importId}</code>
        </p>
      )
    case 'call':
      return (
        <p className={classes.what}>
          <code>{step.operation}</code> by {step.principalKind === 'user' ? 'a person' : 'a key'},{' '}
          <code>{step.principalId}</code>, request <code>{step.requestId}</code>
        </p>
      )
    case 'merge':
      return (
        <p className={classes.what}>
          <code>{step.sourceRecord}</code> went into <code>{record}</code>
        </p>
      )
  }
}

/** Mapping → source record → run, in the order in which the value came. */
function Synced({ step }: { step: Step }) {
  const { mapping, system, vendor, sourceRecord, runId, connectionId } = step
  return (
    <>
      <p className={classes.chain}>
        <span>
          {connectionId === null ? (
            'A connection that is gone'
          ) : (
            <Link to="/sync" hash={connectionId} className="tl-link">
              {system ?? 'Connection'}
            </Link>
          )}{' '}
          {vendor !== null && `(${vendorLabel(vendor)})`}
        </span>
        <span aria-hidden>→</span>
        <span>
          record <code>{sourceRecord ?? 'not known'}</code>
        </span>
        {mapping && (
          <>
            <span aria-hidden>→</span>
            <span>
              mapping of <code>{mapping.properties.join(', ')}</code>{' '}
              {mapping.version === 0 ? '(the connector’s own)' : `(version ${mapping.version})`}
            </span>
          </>
        )}
        <span aria-hidden>→</span>
        {runId === null ? (
          <span>a person’s decision</span>
        ) : (
          <Link to="/sync/runs/$runId" params={{ runId }} className="tl-link" data-row-link>
            the run
          </Link>
        )}
      </p>
      <p className={classes.why}>
        {step.brought ? 'Its value came in' : 'It went out, or gave way'}
        {mapping && ` · ${policies[mapping.policy] ?? mapping.policy}`}
        {step.reason !== null && ` · ${step.reason}`}
      </p>
    </>
  )
}
