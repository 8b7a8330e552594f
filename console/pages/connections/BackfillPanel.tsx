import { Button, NumberInput, Select, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { formatCount, formatDuration } from '#console/format.ts'
import { AREA } from '#console/pages/connections/connections.queries.ts'
import {
  estimateQuery,
  startBackfill,
  type BackfillWish,
  type Estimate,
  type Mapping,
  type StreamPlace,
} from '#console/pages/connections/mapping.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'
import classes from './Connections.module.css'

/** Filling the field of the records that exist already: its cost and its end stand there before it begins. */
export function BackfillPanel({
  place,
  name,
  mapping,
}: {
  place: StreamPlace
  name: string
  mapping: Mapping
}) {
  const { can } = useSession()
  return (
    <section className={classes.section} aria-label="Backfill">
      <h3 className={classes.sectionTitle}>Backfill this field</h3>
      <p className={text.text}>
        A mapping only moves what changes from now on. A backfill fills the records that exist
        already, this field alone and by its rule, beside live sync and always after it.
      </p>
      {can('sync:read') ? (
        <Estimated place={place} name={name} mapping={mapping} />
      ) : (
        <LockedNote what="Backfills" scope="sync:read" />
      )}
    </section>
  )
}

function Estimated({
  place,
  name,
  mapping,
}: {
  place: StreamPlace
  name: string
  mapping: Mapping
}) {
  const { can } = useSession()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const [wish, setWish] = useState<BackfillWish>({
    direction: mapping.direction === 'push' ? 'out' : 'in',
    share: 50,
  })
  const { field, label } = mapping
  const estimate = useQuery(estimateQuery(place, field, wish))
  const change = useChange(AREA)
  const may = can('sync:write')
  const refusal = estimate.data?.refusal ?? null
  return (
    <>
      <div className={text.row}>
        <Select
          label="Which way"
          data={[
            { value: 'in', label: `In: what ${name} has` },
            { value: 'out', label: 'Out: what the hub has' },
          ]}
          value={wish.direction}
          allowDeselect={false}
          onChange={(value) => setWish({ ...wish, direction: value ?? 'in' })}
        />
        <NumberInput
          label="Of a day’s calls, in percent"
          min={1}
          max={100}
          allowDecimal={false}
          w={190}
          value={wish.share}
          onChange={(value) =>
            setWish({ ...wish, share: typeof value === 'number' && value >= 1 ? value : 1 })
          }
        />
        <Permitted isPermitted={may} scope="sync:write">
          <Button
            size="xs"
            h={36}
            disabled={!may || !estimate.data || refusal !== null}
            onClick={dialog.open}
          >
            Backfill this field…
          </Button>
        </Permitted>
      </div>
      {estimate.isError && <Problem error={estimate.error} />}
      {estimate.isPending && <Skeleton height={70} />}
      {estimate.data && <Cost estimate={estimate.data} />}
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Backfill ${label}`}
        confirm="Start the backfill"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            async () => {
              await startBackfill(place, field, wish)
              await navigate({ to: '/sync/backfills' })
            },
            `The backfill of ${label} is under way.`,
            dialog.close,
          )
        }
      >
        {estimate.data && <Cost estimate={estimate.data} />}
        <p className={text.text}>
          It can be paused and cancelled at any time; what it filled stays. Conflicts go to the
          inbox as in every run.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

function Cost({ estimate }: { estimate: Estimate }) {
  const { records, toWrite, direction, basis, calls, checkCalls, today, durationMs } = estimate
  if (estimate.refusal !== null) return <p className={text.text}>{estimate.refusal}</p>
  return (
    <dl className={text.facts}>
      <div>
        <dt>Records looked at</dt>
        <dd>
          {formatCount(records)}
          {direction === 'out' &&
            `, ${basis === 'sampled' ? 'about ' : ''}${formatCount(toWrite)} to write`}
        </dd>
      </div>
      <div>
        <dt>Calls</dt>
        <dd>
          {formatCount(calls)}
          {checkCalls > 0 && `, ${formatCount(checkCalls)} more to read back`}
        </dd>
      </div>
      <div>
        <dt>Left to it today</dt>
        <dd>
          {formatCount(today.left)} of {formatCount(today.perDay)}
        </dd>
      </div>
      <div>
        <dt>Through</dt>
        <dd>
          <Moment at={estimate.endsAt} /> ({formatDuration(durationMs)})
        </dd>
      </div>
    </dl>
  )
}
