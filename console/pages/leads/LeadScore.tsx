import { Button } from '@mantine/core'
import { formatWord } from '#console/format.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { formatPoints } from '#console/pages/leads/lead-words.ts'
import { AREA, liftOverride, type LeadWhole } from '#console/pages/leads/leads.queries.ts'
import { OverrideButton } from '#console/pages/leads/OverrideButton.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

type Part = LeadWhole['scoring']['contributions'][number]

/** The score that counts, what set it by hand, and each point of the computed one. */
export function LeadScore({ lead }: { lead: LeadWhole }) {
  const { score, fitScore, engagementScore, scoring } = lead
  const { computed, contributions, override, modelVersion, scoredAt } = scoring
  return (
    <Panel
      title="Score"
      hint={
        <>
          By version {modelVersion} of the rules, computed <Moment at={scoredAt} />.
        </>
      }
      actions={override === null ? <OverrideButton lead={lead} /> : <LiftButton leadId={lead.id} />}
      flush
    >
      <div className={text.pad}>
        <Figures>
          <Figure
            label="Counts"
            definition="The override while one holds, the computed score otherwise."
          >
            {score}
          </Figure>
          <Figure label="Computed" definition="The sum of all points below.">
            {computed}
          </Figure>
          <Figure label="Fit" definition="Who they are.">
            {fitScore}
          </Figure>
          <Figure label="Engagement" definition="What they did.">
            {engagementScore}
          </Figure>
        </Figures>
        {override !== null && (
          <p className={text.text}>
            Set to {override.score} <OwnerName owner={override.by} verb="by" /> until{' '}
            <Moment at={override.until} />: “{override.reason}”
          </p>
        )}
      </div>
      <Table
        caption="Points of the score"
        rows={contributions}
        columns={columns}
        rowKey={({ part, ruleId }) => `${part} ${ruleId}`}
        empty={
          <EmptyState title="No rule gave points">
            Nothing that the rules ask about is known of this lead.
          </EmptyState>
        }
        foot={['Computed score', '', '', computed]}
      />
    </Panel>
  )
}

function LiftButton({ leadId }: { leadId: string }) {
  const { can } = useSession()
  const change = useChange(AREA)
  const isPermitted = can('scoring:write')
  return (
    <>
      <Permitted isPermitted={isPermitted} scope="scoring:write">
        <Button
          size="xs"
          variant="default"
          disabled={!isPermitted}
          loading={change.isBusy}
          onClick={() => change.run(() => liftOverride(leadId), 'The computed score counts again.')}
        >
          Remove the override
        </Button>
      </Permitted>
      {change.dialog}
    </>
  )
}

const columns: Column<Part>[] = [
  { title: 'Rule', isHeader: true, cell: ({ label }) => label },
  { title: 'Part', cell: ({ part }) => formatWord(part) },
  { title: 'Why', cell: ({ detail }) => <span className={text.wrapped}>{detail}</span> },
  { title: 'Points', align: 'end', cell: ({ points }) => formatPoints(points) },
]
