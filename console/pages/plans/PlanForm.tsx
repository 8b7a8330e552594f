import { Button, Group, NumberInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { Plan } from '#reports/plan.schema.ts'
import { formatCounted } from '#console/format.ts'
import { channelsQuery } from '#console/pages/campaigns/campaign.queries.ts'
import {
  emptySegment,
  fieldsOf,
  isSound,
  toPlan,
  totalOf,
  type SegmentFields,
} from '#console/pages/plans/plan-draft.ts'
import { AREA, putPlan } from '#console/pages/plans/plans.queries.ts'
import { SegmentRow } from '#console/pages/plans/SegmentRow.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/reports/plans/$quarter')
const BASIS_DAYS = 365
const MOST_SEGMENTS = 50

/** The targets of a quarter by segment, and what is assumed where the past is not to go on. Saving makes a version. */
export function PlanForm({
  quarter,
  plan,
}: {
  quarter: string
  /** The version that one starts from; null for the first. */
  plan: Plan | null
}) {
  const { can, currency: ownCurrency } = useSession()
  const navigate = route.useNavigate()
  const currency = plan?.currency ?? ownCurrency
  const [segments, setSegments] = useState<readonly SegmentFields[]>(() =>
    plan ? plan.segments.map((one) => fieldsOf(one, currency)) : [emptySegment()],
  )
  const [basisDays, setBasisDays] = useState(plan?.basisDays ?? BASIS_DAYS)
  const [leadsPerOwner, setLeadsPerOwner] = useState(plan?.leadsPerOwner ?? null)
  const channels = useQuery({ ...channelsQuery, enabled: can('campaigns:read') })
  const change = useChange(AREA)
  const set = (i: number, fields: Partial<SegmentFields>) =>
    setSegments(segments.map((one, at) => (at === i ? { ...one, ...fields } : one)))
  const save = async () => {
    const draft = toPlan(segments, currency)
    const saved = await putPlan(quarter, {
      ...draft,
      basisDays,
      ...(leadsPerOwner === null ? {} : { leadsPerOwner }),
    })
    void navigate({
      search: plan
        ? { view: 'versions', from: String(plan.version), to: String(saved.version) }
        : { view: 'needs' },
    })
    return saved
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        change.run(save, ({ version }) => `Version ${version} of the plan is made.`)
      }}
    >
      <Panel
        title="Targets"
        hint={`What is to be won of each segment, in ${currency}. A segment is a channel of leads; one may take all channels that no other names.`}
        flush
        actions={
          <Button
            size="xs"
            h={30}
            variant="default"
            disabled={segments.length >= MOST_SEGMENTS}
            onClick={() => setSegments([...segments, emptySegment()])}
          >
            Add a segment
          </Button>
        }
      >
        <NotRead what="The channels" error={channels.error} />
        {segments.map((fields, i) => (
          <SegmentRow
            key={fields.key}
            number={i + 1}
            fields={fields}
            currency={currency}
            channels={(channels.data ?? []).map(({ key }) => key)}
            taken={segments.flatMap((one) => (one.key === fields.key ? [] : [one.channel]))}
            onChange={(changed) => set(i, changed)}
            onRemove={
              segments.length > 1
                ? () => setSegments(segments.filter(({ key }) => key !== fields.key))
                : null
            }
          />
        ))}
      </Panel>
      <Panel
        title="What it is worked out from"
        hint="The rates come from your own leads and deals of the days before today."
      >
        <div className={text.fields}>
          <NumberInput
            label="Days measured"
            description="30 to 730, before today"
            required
            min={30}
            max={730}
            allowDecimal={false}
            value={basisDays}
            onChange={(value) => setBasisDays(Number(value))}
          />
          <NumberInput
            label="Leads that an owner can follow up"
            description="In a quarter; checks whether the team is large enough"
            min={1}
            allowDecimal={false}
            value={leadsPerOwner ?? ''}
            onChange={(value) => setLeadsPerOwner(Number(value) || null)}
          />
        </div>
      </Panel>
      <Group justify="space-between" gap="sm">
        <p className={text.text}>
          Together <Amount minor={totalOf(segments, currency)} currency={currency} /> in{' '}
          {formatCounted(segments.length, 'segments')}.
        </p>
        <Button
          type="submit"
          loading={change.isBusy}
          disabled={!isSound(segments, currency) || basisDays < 30 || basisDays > 730}
        >
          {plan ? 'Save as a new version' : 'Save the plan'}
        </Button>
      </Group>
      {change.dialog}
    </form>
  )
}
