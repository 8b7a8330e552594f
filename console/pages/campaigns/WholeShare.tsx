import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import { formatShare } from '#console/format.ts'
import { ReceiptLink } from '#console/pages/campaigns/ReceiptLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Campaigns.module.css'

/** What the campaign's revenue is a part of: the three parts are all that was won, to the cent. */
export function WholeShare({ report }: { report: CampaignReport }) {
  const { totals, workspace: won, currency } = report
  const parts = [
    { key: 'own', label: 'This campaign', minor: totals.creditedMinor },
    {
      key: 'other',
      label: 'Other campaigns and touches without one',
      minor: won.creditedMinor - totals.creditedMinor,
    },
    { key: 'none', label: 'Uncredited: no touch in the window', minor: won.uncreditedMinor },
  ]
  const share = (minor: number) => (won.wonMinor === 0 ? null : minor / won.wonMinor)
  return (
    <Panel title="Part of all that was won" hint={`${won.wonDeals} deals won in the period.`}>
      <div className={classes.parts} aria-hidden>
        {parts.map(({ key, minor }) => (
          <span
            key={key}
            className={classes.part}
            data-part={key}
            style={{ width: `${100 * (share(minor) ?? 0)}%` }}
          />
        ))}
      </div>
      <table className={classes.partTable}>
        <caption className="tl-hidden">The parts of all that was won</caption>
        <tbody>
          {parts.map(({ key, label, minor }) => (
            <tr key={key}>
              <th scope="row">
                <span
                  className={`${classes.part} ${classes.partSwatch}`}
                  data-part={key}
                  aria-hidden
                />
                {label}
              </th>
              <td>
                {key === 'none' && won.uncreditedDeals > 0 ? (
                  <ReceiptLink receipt="uncredited">
                    <Amount minor={minor} currency={currency} />
                  </ReceiptLink>
                ) : (
                  <Amount minor={minor} currency={currency} />
                )}
              </td>
              <td className={classes.partShare}>{formatShare(share(minor))}</td>
            </tr>
          ))}
          <tr className={classes.partSum}>
            <th scope="row">All that was won</th>
            <td>
              <Amount minor={won.wonMinor} currency={currency} />
            </td>
            <td className={classes.partShare}>{formatShare(share(won.wonMinor))}</td>
          </tr>
        </tbody>
      </table>
    </Panel>
  )
}
