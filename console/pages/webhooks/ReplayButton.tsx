import { Button, Select } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import type { Endpoint } from '#webhooks/webhook.schema.ts'
import { formatCount } from '#console/format.ts'
import { AREA, replay } from '#console/pages/webhooks/webhooks.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Messages are kept for 30 days; a minute less, for the clocks of both sides. */
const periods = [
  { value: String(HOUR_MS), label: 'hour' },
  { value: String(DAY_MS), label: 'day' },
  { value: String(3 * DAY_MS), label: '3 days' },
  { value: String(7 * DAY_MS), label: '7 days' },
  { value: String(30 * DAY_MS - MINUTE_MS), label: '30 days' },
]

const NOW = '0'
const ends = [
  { value: NOW, label: 'now' },
  ...periods.slice(0, -1).map(({ value, label }) => ({
    value,
    label: /^\d/.test(label) ? `${label} ago` : label === 'hour' ? 'an hour ago' : `a ${label} ago`,
  })),
]

/** Sending again what was given up in a period. */
export function ReplayButton({ endpoint }: { endpoint: Endpoint }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [period, setPeriod] = useState(String(3 * DAY_MS))
  const [end, setEnd] = useState(NOW)
  const change = useChange(AREA)
  const mayWrite = can('webhooks:write')
  return (
    <>
      <Permitted isPermitted={mayWrite} scope="webhooks:write">
        <Button
          size="xs"
          h={30}
          variant="default"
          disabled={!mayWrite || endpoint.failed === 0}
          onClick={dialog.open}
        >
          Send again…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Send again what was given up"
        confirm="Send again"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => replay(endpoint.id, timeOf(Number(period), Number(end))),
            (count) => `${formatCount(count)} messages go out again.`,
            dialog.close,
          )
        }
      >
        <Select
          label="What happened within the last"
          data={periods}
          value={period}
          allowDeselect={false}
          onChange={(value) => {
            setPeriod(value ?? String(DAY_MS))
            setEnd(NOW)
          }}
        />
        <Select
          label="Until"
          description="What happened later is left as it is."
          data={ends.filter(({ value }) => Number(value) < Number(period))}
          value={end}
          allowDeselect={false}
          onChange={(value) => setEnd(value ?? NOW)}
        />
        <p className={text.text}>
          Messages keep their ids, so that a receiver that has one already can tell.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

function timeOf(sinceMs: number, untilMs: number): { since: Date; until?: Date } {
  const now = Date.now()
  const since = new Date(now - sinceMs)
  return untilMs === 0 ? { since } : { since, until: new Date(now - untilMs) }
}
