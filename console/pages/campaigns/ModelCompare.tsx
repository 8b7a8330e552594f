import { IconCheck } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import { formatFraction } from '#console/format.ts'
import { describeModel } from '#console/lens.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Campaigns.module.css'

/** The same deals under all five models, side by side; choosing one changes the page. */
export function ModelCompare({ report }: { report: CampaignReport }) {
  const { models, model, currency, unit } = report
  const valueOf = (row: (typeof models)[number]) =>
    unit === 'revenue' ? row.creditedMinor : row.deals
  const most = Math.max(1e-9, ...models.map(valueOf))
  return (
    <Panel
      title="Under every model"
      hint="The same won deals, divided by five rules. How far they lie apart shows how much the rule decides."
      flush
    >
      <ul className={classes.models}>
        {models.map((row) => (
          <li key={row.model} className={classes.model}>
            <Link
              from="/campaigns/$campaignId"
              to="/campaigns/$campaignId"
              search={(search) => ({ ...search, model: row.model })}
              activeOptions={{ includeSearch: true }}
              resetScroll={false}
              className={classes.modelLink}
              aria-current={row.model === model ? 'true' : undefined}
              title={describeModel(row.model).rule}
            >
              <span className={classes.modelName}>
                {describeModel(row.model).label}
                {row.model === model && <IconCheck size={14} stroke={2.4} aria-label="chosen" />}
              </span>
              <span className={classes.modelValue}>
                {unit === 'revenue' ? (
                  <Amount minor={row.creditedMinor} currency={currency} />
                ) : (
                  formatFraction(row.deals)
                )}
              </span>
              <span className={classes.modelMore}>n = {row.n} deals</span>
              <span className={classes.track} aria-hidden>
                <span
                  className={classes.fill}
                  style={{ width: `${(100 * valueOf(row)) / most}%` }}
                />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
