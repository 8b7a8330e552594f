import { Button, Select } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { today } from '#console/filters.ts'
import { nameOfQuarter, quartersFrom } from '#console/pages/plans/plan-words.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useNowMs } from '#console/ui/Moment.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import text from '#console/ui/Text.module.css'

const QUARTERS = 6

/** Chooses the quarter to plan; its targets are set on its own page. */
export function NewPlanButton() {
  const { can, timeZone } = useSession()
  const nowMs = useNowMs()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const quarters = quartersFrom(today(timeZone, new Date(nowMs)), QUARTERS)
  const [quarter, setQuarter] = useState(quarters[1] ?? '')
  const may = can('reports:write')
  return (
    <>
      <Permitted isPermitted={may} scope="reports:write">
        <Button size="xs" h={30} disabled={!may} onClick={dialog.open}>
          Plan a quarter…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Plan a quarter"
        confirm="Set its targets"
        isBusy={false}
        onConfirm={() =>
          void navigate({
            to: '/reports/plans/$quarter',
            params: { quarter },
            search: { view: 'edit' },
          })
        }
      >
        <p className={text.text}>
          Nothing is kept before you save. A quarter that has a plan already gets a new version.
        </p>
        <Select
          label="Quarter"
          required
          allowDeselect={false}
          data={quarters.map((value) => ({ value, label: nameOfQuarter(value) }))}
          value={quarter}
          onChange={(value) => setQuarter(value ?? quarter)}
        />
      </ConfirmDialog>
    </>
  )
}
