import type { UseQueryResult } from '@tanstack/react-query'
import { Skeleton } from '@mantine/core'
import { IconFileDownload } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { DAY_MS } from '#core/time.ts'
import type { Overview } from '#reports/overview.schema.ts'
import { withQuery, type QueryFields } from '#console/api.ts'
import { formatCompact, formatCount, formatExact, formatWhole } from '#console/format.ts'
import { addDays } from '#core/calendar.ts'
import { today } from '#console/filters.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Change } from '#console/ui/Change.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import classes from './HomePage.module.css'

interface ChainStep {
  label: string
  definition: string
  figure: ReactNode
  change: number | null
  previous: string
  more?: ReactNode
  /** Where the figure opens: a page, or its records as CSV while they have none. */
  to?: '/campaigns' | '/sync'
  csv?: { path: string; scope: string; fields: QueryFields }
}

/** The chain in figures; each opens to where its records are. */
export function Chain({ overview }: { overview: UseQueryResult<Overview> }) {
  const { timeZone, can } = useSession()
  if (overview.isError) return <Problem error={overview.error} />
  const { data } = overview
  if (!data) return <Skeleton height={150} mb={20} />
  const to = today(timeZone, data.asOf)
  const search = { from: addDays(to, 1 - data.days), to }
  const others = data.otherCurrencies.map(
    ({ currency, deals }) => `${formatCount(deals)} in ${currency}`,
  )
  return (
    <Panel
      title={`The last ${data.days} days`}
      hint={`Against the ${data.days} days before. Amounts in ${data.currency}${
        others.length > 0
          ? `; won deals in other currencies are not in them: ${others.join(', ')}`
          : ''
      }.`}
      flush
    >
      <ol className={classes.chain}>
        {stepsOf(data).map(({ to, csv, ...step }) => (
          <li key={step.label} className={classes.step}>
            {csv && can(csv.scope) ? (
              <a
                href={withQuery(csv.path, { ...csv.fields, format: 'csv' })}
                className={classes.stepLink}
                data-row-link
              >
                <StepFigures {...step} isFile />
              </a>
            ) : to === undefined ? (
              <div className={classes.stepBody}>
                <StepFigures {...step} />
              </div>
            ) : (
              <Link
                to={to}
                search={to === '/campaigns' ? search : {}}
                className={classes.stepLink}
                data-row-link
              >
                <StepFigures {...step} />
              </Link>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  )
}

function StepFigures({
  label,
  definition,
  figure,
  change,
  previous,
  more,
  isFile = false,
}: ChainStep & { isFile?: boolean }) {
  return (
    <>
      <span className={classes.label} title={definition}>
        {label}
        {isFile && <IconFileDownload size={13} stroke={1.7} aria-label="as CSV" />}
      </span>
      <span className={classes.figure}>{figure}</span>
      <Change change={change} previous={previous} />
      {more !== undefined && <span className={classes.more}>{more}</span>}
    </>
  )
}

function stepsOf(data: Overview): ChainStep[] {
  const { currency, openPipeline, won, asOf, days } = data
  const period = {
    from: new Date(asOf.getTime() - days * DAY_MS).toISOString(),
    to: asOf.toISOString(),
  }
  const count = (label: string, definition: string, step: Overview['touches']): ChainStep => ({
    label,
    definition,
    figure: <Count value={step.current} />,
    change: step.change,
    previous: formatCount(step.previous),
  })
  const amount = (label: string, definition: string, step: Overview['touches']): ChainStep => ({
    label,
    definition,
    figure: <CompactAmount minor={step.current} currency={currency} />,
    change: step.change,
    previous: `${currency} ${formatExact(step.previous, currency)}`,
  })
  return [
    {
      ...count('Touches', 'Marketing interactions recorded', data.touches),
      csv: { path: '/api/v1/touchpoints', scope: 'touchpoints:read', fields: period },
    },
    count('New people', 'People first seen', data.people),
    {
      ...count('Leads', 'Leads captured', data.leads),
      csv: { path: '/api/v1/leads', scope: 'leads:read', fields: period },
    },
    count('MQLs', 'Leads that became marketing-qualified', data.mqls),
    {
      ...count('In the CRM', 'Leads that first arrived in a connected system', data.synced),
      to: '/sync',
    },
    {
      ...amount(
        'Open pipeline',
        'Open now, against open 30 days ago at the amounts of today',
        openPipeline.amountMinor,
      ),
      more: `${formatCount(openPipeline.deals.current)} deals`,
      csv: {
        path: '/api/v1/opportunities',
        scope: 'opportunities:read',
        fields: { status: 'open' },
      },
    },
    { ...count('Deals won', 'Deals closed as won', won.deals), to: '/campaigns' },
    { ...amount('Revenue', 'Amount of the deals won', won.amountMinor), to: '/campaigns' },
  ]
}

function Count({ value }: { value: number }) {
  return (
    <span title={formatCount(value)}>
      {value < 100_000 ? formatCount(value) : formatCompact(value)}
    </span>
  )
}

/** From a million on in short; the exact amount is on hover. */
function CompactAmount({ minor, currency }: { minor: number; currency: string }) {
  const whole = formatWhole(minor, currency)
  if (whole.length < 9) return <Amount minor={minor} currency={currency} />
  return (
    <span title={`${currency} ${formatExact(minor, currency)}`}>
      <span className="tl-hidden">
        {currency} {whole}
      </span>
      <span aria-hidden>
        {currency} {formatCompact(Number(whole.replaceAll(',', '')))}
      </span>
    </span>
  )
}
