import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { addDays, mondayOf } from '#core/calendar.ts'
import { today } from '#console/filters.ts'
import { formatDate } from '#console/format.ts'
import { AREA, makeWeekly, type WeeklyWhole } from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useNowMs } from '#console/ui/Moment.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Freezes a week that is over, without waiting for Monday or for one that was before the hub. */
export function NewWeeklyButton() {
  const { can, timeZone } = useSession()
  const nowMs = useNowMs()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const lastDay = addDays(mondayOf(today(timeZone, new Date(nowMs))), -1)
  const [day, setDay] = useState(lastDay)
  const change = useChange(AREA)
  const may = can('reports:write')
  const isOver = day !== '' && day <= lastDay
  const open = ({ id }: WeeklyWhole) => {
    dialog.close()
    void navigate({ to: '/reports/weekly/$reportId', params: { reportId: id } })
  }
  return (
    <>
      <Permitted isPermitted={may} scope="reports:write">
        <Button size="xs" h={30} disabled={!may} onClick={dialog.open}>
          Report a week…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Report a week"
        confirm="Freeze its figures"
        isBusy={change.isBusy}
        isIncomplete={!isOver}
        onConfirm={() =>
          change.run(
            async () => {
              const report = await makeWeekly(day)
              open(report)
              return report
            },
            ({ week }) => `The week of ${formatDate(week)} is reported.`,
          )
        }
      >
        <p className={text.text}>
          The figures are kept as they are now and never change. A week has one report: if it was
          made already, that one opens.
        </p>
        <TextInput
          type="date"
          label="Any day of the week"
          description={
            isOver
              ? `The week of ${formatDate(mondayOf(day))}`
              : `A week that is over: ${formatDate(lastDay)} or before`
          }
          required
          max={lastDay}
          value={day}
          onChange={(event) => setDay(event.currentTarget.value)}
          data-autofocus
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
