import { Skeleton } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { describeModel } from '#console/lens.ts'
import type { Model } from '#console/pages/attribution/attribution.queries.ts'
import {
  describeDesign,
  describeWeeks,
  formatPercent,
} from '#console/pages/experiments/experiment-words.ts'
import {
  isUnready,
  type Proposal,
  type Proposed,
} from '#console/pages/experiments/experiments.queries.ts'
import { PlanButton } from '#console/pages/experiments/PlanButton.tsx'
import { PublishLink } from '#console/pages/experiments/PublishLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** The worthiest test of each channel, the best first, with the arithmetic that speaks for it. */
export function ProposalsPanel({
  models,
  query,
}: {
  models: UseQueryResult<readonly Model[]>
  query: UseQueryResult<Proposed>
}) {
  const { data, error } = query
  if (models.isError) return <Problem error={models.error} />
  if (!models.data) return <Skeleton height={320} mb={20} />
  const kept = models.data.filter(({ method }) => method === 'data_driven')
  if (!kept.some(({ isFitted }) => isFitted)) return <NoModel isWaiting={kept.length > 0} />
  if (isUnready(error)) {
    return (
      <Panel title="The next test">
        <EmptyState title="No test can be weighed yet">{error?.message}</EmptyState>
      </Panel>
    )
  }
  if (error) return <Problem error={error} />
  if (!data) return <Skeleton height={320} mb={20} />
  const best = data.data.find(({ valueMinor, netMinor }) => valueMinor > 0 && netMinor > 0)
  return (
    <>
      {best && <Best proposal={best} currency={data.currency} />}
      <Panel
        title="The next test"
        hint={`The worthiest test of each channel by ${describeModel(data.model).label.toLowerCase()}, over the year after it. About ${formatCount(Math.round(data.audience.weeklyPeople))} people come a week, ${formatShare(data.audience.conversionRate)} of them convert.`}
        flush
      >
        <Table<Proposal>
          caption="Proposed tests, the worthiest first"
          rows={data.data}
          columns={columnsOf(data)}
          rowKey={({ channel }) => channel}
          empty={
            <EmptyState title="No channel is left to test">
              A channel is proposed when its campaigns have a budget and no test of it is planned.
              Give campaigns a budget, or record the results that are due.
            </EmptyState>
          }
        />
        <LeftOut proposed={data} isWorthIt={best !== undefined} />
      </Panel>
    </>
  )
}

/** @param isWaiting  the model is published, and its first fit is on its way. */
function NoModel({ isWaiting }: { isWaiting: boolean }) {
  return (
    <Panel title="The next test">
      {isWaiting ? (
        <EmptyState title="The data-driven model waits for its first fit">
          It is fitted within minutes, once deals were won. Then the worthiest test of each channel
          stands here. A test can be planned without it.
        </EmptyState>
      ) : (
        <EmptyState title="No test can be weighed yet" action={<PublishLink />}>
          Publish the data-driven model first: its intervals say how much is open about each
          channel, and budgets of campaigns what hangs on it. A test can be planned without it.
        </EmptyState>
      )}
    </Panel>
  )
}

function Best({ proposal, currency }: { proposal: Proposal; currency: string }) {
  const { channel, weeks, holdoutShare, netMinor, costMinor, valueMinor, power } = proposal
  return (
    <Figures>
      <Figure label="Test next" more={describeDesign({ holdoutShare, weeks })}>
        {formatWord(channel)}
      </Figure>
      <Figure
        label="Worth"
        definition="By how much a better division of the budget is expected to raise revenue within the year, less what the test costs"
        more={
          <>
            <Amount minor={valueMinor} currency={currency} /> less its cost
          </>
        }
      >
        <Amount minor={netMinor} currency={currency} />
      </Figure>
      <Figure
        label="Costs"
        definition="Revenue that those left out would have brought, less what is not spent on them"
        more={costMinor < 0 ? 'What is not spent outweighs what is missed' : 'Missed while it runs'}
      >
        <Amount minor={costMinor} currency={currency} />
      </Figure>
      <Figure
        label="Takes"
        more={`${formatCount(proposal.peopleHeldOut)} people left out of ${formatCount(proposal.peopleHeldOut + proposal.peopleOthers)}`}
      >
        {describeWeeks(weeks)}
      </Figure>
      <Figure
        label="Tells it from nothing"
        definition="Probability that the test tells the believed effect from none, at 5 %, two-sided"
        more={
          proposal.weeksForPower === null
            ? 'No effect is believed'
            : `80 % takes ${describeWeeks(proposal.weeksForPower)}`
        }
      >
        {formatShare(power)}
      </Figure>
    </Figures>
  )
}

function columnsOf({ currency, beliefs }: Proposed): Column<Proposal>[] {
  return [
    {
      title: 'Channel',
      isHeader: true,
      cell: ({ channel }) => formatWord(channel),
    },
    {
      title: 'Design',
      cell: ({ holdoutShare, weeks }) => describeDesign({ holdoutShare, weeks }),
    },
    {
      title: 'What it decides',
      hint: 'The part of revenue that would be missing without the channel, with one standard deviation, before the test and after it',
      cell: ({ channel, deviationBefore, deviationAfter }) => {
        const belief = beliefs.find((one) => one.channel === channel)
        return (
          <>
            Brings {formatPercent(belief?.effect ?? 0)} of revenue
            <span className={text.line}>
              ± {formatPercent(deviationBefore)} now, ± {formatPercent(deviationAfter)} after
            </span>
          </>
        )
      },
    },
    {
      title: 'Power',
      hint: 'Probability to tell the believed effect from none at 5 %, two-sided',
      cell: ({ power }) => (
        <Meter share={power} mark={0.8}>
          {formatShare(power)}
        </Meter>
      ),
    },
    {
      title: 'Value',
      align: 'end',
      cell: ({ valueMinor }) => <Amount minor={valueMinor} currency={currency} />,
    },
    {
      title: 'Cost',
      align: 'end',
      hint: 'Revenue that those left out would have brought, less what is not spent on them',
      cell: ({ costMinor }) => <Amount minor={costMinor} currency={currency} />,
    },
    {
      title: 'Net',
      align: 'end',
      hint: 'Value less cost; below zero the test is not worth making',
      cell: ({ netMinor }) => <Amount minor={netMinor} currency={currency} />,
    },
    {
      title: 'Do',
      align: 'end',
      cell: (proposal) => <PlanButton proposal={proposal} />,
    },
  ]
}

/** Channels without a proposal, and why. */
function LeftOut({
  proposed: { leftOut, data },
  isWorthIt,
}: {
  proposed: Proposed
  isWorthIt: boolean
}) {
  const named = (reason: Proposed['leftOut'][number]['reason']) =>
    leftOut
      .filter((one) => one.reason === reason)
      .map(({ channel }) => formatWord(channel))
      .join(', ')
  const [planned, free] = [named('planned'), named('no_budget')]
  if (leftOut.length === 0 && (isWorthIt || data.length === 0)) return null
  return (
    <div className={text.pad}>
      {!isWorthIt && data.length > 0 && (
        <p className={text.text}>
          No test of this size decides anything worth its cost: too few people come for the answer
          to be clear. Where the net is above zero it is spend that is saved, nothing that is
          learnt. Allow more weeks or more people left out, or wait for more people.
        </p>
      )}
      {planned !== '' && <p className={text.soft}>A test is under way: {planned}.</p>}
      {free !== '' && (
        <p className={text.soft}>
          No budget hangs on them, so that nothing would be decided: {free}.
        </p>
      )}
    </div>
  )
}
