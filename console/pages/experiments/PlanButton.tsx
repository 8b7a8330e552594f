import { Autocomplete, Button, NumberInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { addDays } from '#core/calendar.ts'
import { today } from '#console/filters.ts'
import { formatDate, formatWord } from '#console/format.ts'
import { channelsQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { lastDayOf } from '#console/pages/experiments/experiment-words.ts'
import {
  AREA,
  planExperiment,
  type Proposal,
} from '#console/pages/experiments/experiments.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { useNowMs } from '#console/ui/Moment.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const DAYS_AHEAD = 7

/** Plans an experiment: one that was proposed as it stands, or any other. */
export function PlanButton({ proposal }: { proposal?: Proposal }) {
  const { can, timeZone } = useSession()
  const nowMs = useNowMs()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const first = {
    channel: proposal?.channel ?? '',
    percent: proposal ? Number((100 * proposal.holdoutShare).toFixed(2)) : 10,
    weeks: proposal?.weeks ?? 4,
    startsOn: addDays(today(timeZone, new Date(nowMs)), DAYS_AHEAD),
  }
  const [fields, setFields] = useState(first)
  const channels = useQuery({ ...channelsQuery, enabled: isOpen && can('campaigns:read') })
  const change = useChange(AREA)
  const may = can('attribution:write')
  const { channel, percent, weeks, startsOn } = fields
  const isSound = channel.trim() !== '' && percent > 0 && percent <= 90 && weeks >= 1
  const plan = async () => {
    const design = { channel: channel.trim(), holdoutShare: percent / 100, weeks, startsOn }
    const { id } = await planExperiment(design)
    dialog.close()
    void navigate({ to: '/experiments/$experimentId', params: { experimentId: id } })
  }
  const label = proposal ? `Plan the test of ${formatWord(proposal.channel)}` : undefined
  return (
    <>
      <Permitted isPermitted={may} scope="attribution:write">
        <Button
          size={proposal ? 'compact-xs' : 'xs'}
          {...(proposal ? {} : { h: 30 })}
          variant={proposal ? 'default' : 'filled'}
          disabled={!may}
          aria-label={label}
          onClick={() => {
            setFields(first)
            dialog.open()
          }}
        >
          {proposal ? 'Plan it…' : 'Plan an experiment…'}
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={label ?? 'Plan an experiment'}
        confirm="Plan it"
        isBusy={change.isBusy}
        isIncomplete={!isSound || startsOn === ''}
        onConfirm={() =>
          change.run(plan, 'It is planned. Leave the people out where the channel is run.')
        }
      >
        <p className={text.text}>
          The hub keeps the plan and what spoke for it. Leaving people out is done where the channel
          is run: draw them by chance, and count the same conversions for both sides.
        </p>
        <NotRead what="The channels" error={channels.error} />
        <Autocomplete
          label="Channel"
          required
          maxLength={60}
          data={(channels.data ?? []).map(({ key }) => key)}
          value={channel}
          onChange={(value) => setFields({ ...fields, channel: value })}
        />
        <div className={text.fields}>
          <NumberInput
            label="Left out, of all people"
            required
            min={0.1}
            max={90}
            decimalScale={2}
            suffix=" %"
            value={percent}
            onChange={(value) => setFields({ ...fields, percent: Number(value) })}
          />
          <NumberInput
            label="Weeks"
            required
            min={1}
            max={104}
            allowDecimal={false}
            value={weeks}
            onChange={(value) => setFields({ ...fields, weeks: Number(value) })}
          />
        </div>
        <TextInput
          type="date"
          label="First day"
          description={
            isSound && startsOn !== ''
              ? `Its last day is ${formatDate(lastDayOf({ startsOn, weeks }))}`
              : undefined
          }
          required
          value={startsOn}
          onChange={(event) => setFields({ ...fields, startsOn: event.currentTarget.value })}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
