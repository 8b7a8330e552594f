import { Button, Checkbox } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link } from '@tanstack/react-router'
import { formatField } from '#console/format.ts'
import { AssignDialog } from '#console/pages/conflicts/AssignDialog.tsx'
import {
  AREA,
  resolveConflict,
  undoConflict,
  type ConflictRow,
} from '#console/pages/conflicts/conflicts.queries.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { Side } from '#console/pages/conflicts/Side.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { useChange } from '#console/ui/use-change.ts'
import classes from './Conflicts.module.css'

/** One conflict: the field, both values side by side with the button that keeps each, who has it and until when. */
export function ConflictCard({
  conflict,
  system,
  isChosen,
  onChoose,
}: {
  conflict: ConflictRow
  system: string
  isChosen: boolean
  /** Null where it cannot be selected. */
  onChoose: ((isChosen: boolean) => void) | null
}) {
  const { id, hub, crm, base, choice } = conflict
  const change = useChange(AREA)
  const keep = (side: 'hub' | 'crm') =>
    change.run(
      () => resolveConflict(id, { choice: side }, ''),
      side === 'hub'
        ? `The hub’s value stays; ${system} gets it with the next run.`
        : `${system}’s value is here now.`,
    )
  const deciding = conflict.state === 'open' ? { isBusy: change.isBusy, onKeep: keep } : undefined
  const label = `${formatField(conflict.field)} of ${shortId(conflict.localId)}`
  return (
    <li className={classes.card} data-conflict>
      <div className={classes.cardHead}>
        {onChoose && (
          <Checkbox
            size="xs"
            aria-label={`Select ${label}`}
            checked={isChosen}
            onChange={(event) => onChoose(event.currentTarget.checked)}
            data-select
          />
        )}
        <h3 className={classes.title}>
          <Link
            from="/conflicts"
            to="/conflicts"
            search={(search) => ({ ...search, open: id })}
            resetScroll={false}
            data-row-link
          >
            {formatField(conflict.field)}
          </Link>
        </h3>
        {conflict.isOverdue && <Badge tone="bad">Overdue</Badge>}
        {choice !== null && (
          <Badge tone="good">
            {choice === 'hub' ? 'Hub kept' : choice === 'crm' ? 'CRM taken' : 'Another value'}
          </Badge>
        )}
        {conflict.state === 'agreed' && <Badge tone="info">Both agree by now</Badge>}
        <Rest conflict={conflict} />
      </div>
      <div className={classes.sides}>
        <Side name="Hub" side="hub" {...hub} deciding={deciding} />
        <Side name={system} side="crm" {...crm} deciding={deciding} />
      </div>
      <p className={classes.meta}>
        Last agreed: <FieldValue value={base} /> ·{' '}
        <Link
          to="/sync/records/$entity/$localId"
          params={{ entity: conflict.entity, localId: conflict.localId }}
          className="tl-link"
        >
          {conflict.entity} {shortId(conflict.localId)}
        </Link>{' '}
        · found <Moment at={conflict.createdAt} />
        {conflict.runId !== null && (
          <>
            {' '}
            in{' '}
            <Link to="/sync/runs/$runId" params={{ runId: conflict.runId }} className="tl-link">
              this run
            </Link>
          </>
        )}{' '}
        · <OwnerName owner={conflict.owner} /> ·{' '}
        {conflict.resolvedAt === null ? (
          <>
            due <Moment at={conflict.dueAt} />
          </>
        ) : (
          <>
            settled <Moment at={conflict.resolvedAt} />
          </>
        )}
        {conflict.note !== null && ` · “${conflict.note}”`}
      </p>
      {change.dialog}
    </li>
  )
}

/** Beside the decision: hand it over, try a rule for the field, or take the decision back. */
function Rest({ conflict }: { conflict: ConflictRow }) {
  const { can } = useSession()
  const [isAssigning, assigning] = useDisclosure()
  const undo = useChange(AREA)
  const { id, connectionId, stream, field, state } = conflict
  const mayWrite = can('conflicts:write')
  return (
    <div className={classes.actions}>
      {state === 'open' && (
        <Permitted isPermitted={mayWrite} scope="conflicts:write">
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            disabled={!mayWrite}
            onClick={assigning.open}
            data-assign
          >
            Assign…
          </Button>
        </Permitted>
      )}
      {state === 'resolved' && (
        <Permitted isPermitted={mayWrite} scope="conflicts:write">
          <Button
            size="xs"
            variant="default"
            disabled={!mayWrite}
            loading={undo.isBusy}
            onClick={() =>
              undo.run(
                () => undoConflict(id),
                'It is open again. What has reached the CRM stays there until it is decided anew.',
              )
            }
          >
            Take back
          </Button>
        </Permitted>
      )}
      <Button
        size="xs"
        variant="subtle"
        color="gray"
        renderRoot={(props) => (
          <Link
            {...props}
            from="/conflicts"
            to="/conflicts"
            search={(search) => ({ ...search, connectionId, stream, field, policy: 'latest' })}
          />
        )}
      >
        Rehearse a rule
      </Button>
      <AssignDialog opened={isAssigning} onClose={assigning.close} ids={[id]} />
      {undo.dialog}
    </div>
  )
}
