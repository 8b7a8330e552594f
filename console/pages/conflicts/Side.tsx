import { Button } from '@mantine/core'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useSession } from '#console/session.ts'
import { FieldValue, type ShownValue } from '#console/ui/FieldValue.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import classes from './Conflicts.module.css'

/** One side's value, when it was set, and the button that makes it both sides' value. */
export function Side({
  name,
  side,
  value,
  changedAt,
  deciding,
}: {
  name: string
  side: 'hub' | 'crm'
  value: ShownValue
  changedAt: Date | null
  deciding: { isBusy: boolean; onKeep: (side: 'hub' | 'crm') => void } | undefined
}) {
  const { can } = useSession()
  const mayWrite = can('conflicts:write')
  return (
    <div className={classes.side} data-side={side}>
      <p className={classes.sideName}>
        {name} · changed <Moment at={changedAt} none="at an unknown time" />
      </p>
      <p className={classes.value}>
        <FieldValue value={value} />
      </p>
      {deciding && (
        <Permitted isPermitted={mayWrite} scope="conflicts:write">
          <Button
            size="xs"
            variant="default"
            disabled={!mayWrite}
            loading={deciding.isBusy}
            onClick={() => deciding.onKeep(side)}
            aria-label={side === 'hub' ? 'Keep the hub’s value' : 'Take the CRM’s value'}
          >
            {side === 'hub' ? 'Keep this' : 'Take this'}
          </Button>
        </Permitted>
      )}
    </div>
  )
}
