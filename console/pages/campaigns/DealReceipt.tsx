import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconArrowLeft } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import { AttributionModel } from '#reports/lens.schema.ts'
import { formatCount, formatDay, formatExact, formatInstant, formatWord } from '#console/format.ts'
import { describeRule, modelLabels } from '#console/lens.ts'
import {
  dealQuery,
  receiptExport,
  receiptQuery,
  type ReceiptAnswer,
} from '#console/pages/campaigns/campaign.queries.ts'
import { DealName } from '#console/pages/campaigns/DealName.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Receipt.module.css'

type Touch = ReceiptAnswer['touches'][number]

/** A deal with each touch before its close and what it got under each model; every column sums to the deal. */
export function DealReceipt({
  opportunityId,
  report,
  receipt,
}: {
  opportunityId: string
  report: CampaignReport
  receipt: string
}) {
  const { timeZone, can } = useSession()
  const answer = useQuery(receiptQuery(opportunityId, report.window))
  const deal = useQuery({
    ...dealQuery(opportunityId),
    enabled: can('opportunities:read'),
    retry: false,
  })
  if (answer.isError) return <Problem error={answer.error} />
  const { data } = answer
  if (!data) return <Skeleton height={320} />
  const { currency, amountMinor, openedAt, closedAt, touches, sums, note } = data
  const before = touches.filter(({ isInWindow }) => !isInWindow).length
  return (
    <>
      <Link
        from="/campaigns/$campaignId"
        to="/campaigns/$campaignId"
        search={(search) => ({ ...search, receipt, deal: undefined })}
        resetScroll={false}
        className={`tl-link ${classes.back}`}
      >
        <IconArrowLeft size={14} aria-hidden /> All deals of this receipt
      </Link>
      <div className={classes.head}>
        <div>
          <p className={classes.deal}>
            <DealName id={opportunityId} name={deal.data?.name} />
          </p>
          <p className={classes.amount}>
            <Amount minor={amountMinor} currency={currency} exact none="No amount in the CRM" />
          </p>
          <p className={classes.rule}>
            {formatWord(data.status)} · opened {formatDay(openedAt, timeZone)}
            {closedAt && ` · closed ${formatDay(closedAt, timeZone)}`} · {describeRule(report)}
          </p>
        </div>
        <ExportMenu {...receiptExport(opportunityId, report.window)} />
      </div>
      <div className={classes.table}>
        <Table
          caption="Touches before the close, with credit by model"
          rows={touches}
          columns={columnsOf(report, timeZone)}
          rowKey={(touch) => touch.touchpointId}
          empty={
            <EmptyState title="No touch is known">
              Nobody who took part in this deal was touched before it closed.
            </EmptyState>
          }
          foot={[
            `Sum of ${formatCount(touches.length - before)} touches in the window`,
            '',
            ...AttributionModel.options.map((model) => (
              <span key={model} data-chosen={model === report.model || undefined}>
                {formatExact(sums[model], currency)}
              </span>
            )),
          ]}
        />
      </div>
      <output className={classes.check}>
        {note ??
          (AttributionModel.options.every((model) => sums[model] === amountMinor)
            ? `✓ Under every model the touches sum to ${currency} ${formatExact(amountMinor ?? 0, currency)}, to the cent.`
            : 'The sums differ from the amount: the ledger is being computed again.')}
        {before > 0 &&
          ` ${formatCount(before)} touches lie before the window and have no credit; they are shown for completeness.`}
      </output>
    </>
  )
}

function columnsOf(
  { campaign, currency, model }: CampaignReport,
  timeZone: string,
): Column<Touch>[] {
  return [
    {
      title: 'Touch',
      isHeader: true,
      cell: (touch) => (
        <span className={classes.touch} data-outside={!touch.isInWindow || undefined}>
          <span>
            {touch.campaignName ?? 'No campaign'}
            {touch.campaignId === campaign.id && (
              <span className={classes.own}> this campaign</span>
            )}
          </span>
          <span className={classes.touchMore}>
            {formatWord(touch.kind)} · {formatWord(touch.channel)}
            {!touch.isInWindow && ' · before the window'}
          </span>
        </span>
      ),
    },
    {
      title: 'When',
      cell: ({ occurredAt }) => (
        <time dateTime={occurredAt.toISOString()} title={formatInstant(occurredAt, timeZone)}>
          {formatDay(occurredAt, timeZone)}
        </time>
      ),
    },
    ...AttributionModel.options.map((option): Column<Touch> => ({
      title: option === model ? `${modelLabels[option].label} ✓` : modelLabels[option].label,
      hint: modelLabels[option].rule,
      align: 'end',
      cell: ({ creditedMinor }) => (
        <span
          data-chosen={option === model || undefined}
          data-none={creditedMinor[option] === 0 || undefined}
        >
          {creditedMinor[option] === 0 ? '—' : formatExact(creditedMinor[option], currency)}
        </span>
      ),
    })),
  ]
}
