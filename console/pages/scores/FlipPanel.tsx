import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatCount, formatField, formatWord } from '#console/format.ts'
import { leadFlipQuery, type Flip, type LeadScores } from '#console/pages/scores/scores.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

type Nearest = NonNullable<Flip['nearest']>

/** The rule score against its threshold, and the smallest change that would flip the decision. */
export function FlipPanel({ leadId, rules }: { leadId: string; rules: LeadScores['rules'] }) {
  const flip = useQuery(leadFlipQuery(leadId))
  if (flip.isError) return <Problem error={flip.error} />
  if (!flip.data) return <Skeleton height={180} mb={20} />
  const { isQualified, threshold, total, nearest } = flip.data
  return (
    <>
      <Figures>
        <Figure
          label="Score"
          definition="What counts: an override while it holds"
          more={rules.score === rules.computed ? 'by the rules' : `the rules say ${rules.computed}`}
        >
          {rules.score}
        </Figure>
        <Figure label="Fit" definition="Who they are">
          {rules.fit}
        </Figure>
        <Figure label="Engagement" definition="What they do">
          {rules.engagement}
        </Figure>
        <Figure label="Threshold" definition="From here on a lead is qualified by the rules">
          {threshold}
        </Figure>
      </Figures>
      <Panel
        title="The smallest change that flips it"
        hint="Tried by scoring the changed lead: it would come out so."
      >
        <p className={text.text}>
          <Badge tone={isQualified ? 'good' : 'plain'}>
            {isQualified ? 'Qualified' : 'Not qualified'}
          </Badge>{' '}
          with {total} of {threshold} points now.{' '}
          {nearest === null
            ? 'No one or two things that the rules ask about would flip it.'
            : `It would be ${isQualified ? 'no longer qualified' : 'qualified'} with ${nearest.total} points:`}
        </p>
        {nearest && (
          <ul className={text.list}>
            {nearest.changes.map(({ ruleId, label, change }) => (
              <li key={ruleId}>
                {describe(change)} <span className={text.soft}>({label})</span>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </>
  )
}

function describe(change: Nearest['changes'][number]['change']): string {
  switch (change.kind) {
    case 'touches':
      return `${formatCount(change.count)} more ${formatWord(change.touchKind).toLowerCase()} by ${formatWord(change.channel).toLowerCase()}`
    case 'fact':
      return Object.entries(change.attributes ?? {})
        .map(
          ([name, value]) => `${formatField(name)}: ${value === null ? 'without a value' : value}`,
        )
        .join(', ')
  }
}
