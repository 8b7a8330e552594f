import { Link } from '@tanstack/react-router'
import classes from './Sync.module.css'

/** A record by its id here, which leads to its path; by its id there when there is none here. */
export function RecordName({
  entity,
  localId,
  externalId,
}: {
  entity: string
  localId: string | null
  externalId: string | null
}) {
  if (localId === null) {
    return (
      <span className={classes.id}>
        {entity} {externalId ?? '(the stream as a whole)'}
      </span>
    )
  }
  return (
    <Link
      to="/sync/records/$entity/$localId"
      params={{ entity, localId }}
      className={classes.id}
      title={localId}
      data-row-link
    >
      {shortId(localId)}
    </Link>
  )
}

/** The prefix and the end of an id: its middle is the time it was made, the same for many. */
export function shortId(id: string): string {
  return id.length > 20 ? `${id.slice(0, id.indexOf('_') + 1)}…${id.slice(-8)}` : id
}
