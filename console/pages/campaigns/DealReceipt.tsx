import { Button, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { IconArrowLeft } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { AttributionModel } from '#reports/lens.schema.ts'
import { formatCount, formatDay, formatExact, formatInstant, formatWord } from '#console/format.ts'
import { describeModel, describeRule, sortModels } from '#console/lens.ts'
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
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Receipt.module.css'

type Touch = ReceiptAnswer['touches'][number]

/** Under which rule the deal is looked at, and from which campaign, if from one. */
interface ReceiptLens {
  model: AttributionModel
  window: string
  campaignId?: string
}

/** A deal with each touch before its close and what it got under each model; every column sums to the deal. */
export function DealReceipt({
  opportunityId,
  lens,
  hasList,
}: {
  opportunityId: string
  lens: ReceiptLens
  /** The deal was opened from a list, to which one goes back. */
  hasList: boolean
}) {
  const { timeZone, can } = useSession()
  const [isAll, { toggle }] = useDisclosure()
  const answer = useQuery(receiptQuery(opportunityId, lens.window))
  const deal = useQuery({
    ...dealQuery(opportunityId),
    enabled: can('opportunities:read'),
    retry: false,
  })
  if (answer.isError) return <Problem error={answer.error} />
  const { data } = answer
  if (!data) return <Skeleton height={320} />
  const { currency, amountMinor, openedAt, closedAt, touches, note, sums, baseline } = data
  const models = sortModels(Object.keys(sums))
  const inWindow = touches.filter((touch) => touch.isInWindow)
  const before = touches.length - inWindow.length
  const sumOf = (model: AttributionModel) =>
    touches.reduce((sum, touch) => sum + (touch.creditedMinor[model] ?? 0), baseline[model] ?? 0)
  return (
    <>
      {hasList && (
        <Link
          to="."
          search={(search) => ({ ...search, deal: undefined })}
          resetScroll={false}
          className={`tl-link ${classes.back}`}
        >
          <IconArrowLeft size={14} aria-hidden /> All deals of this receipt
        </Link>
      )}
      <NotRead what="The name of the deal" error={deal.error} />
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
            {closedAt && ` · closed ${formatDay(closedAt, timeZone)}`} · {describeRule(lens)}
          </p>
        </div>
        <ExportMenu {...receiptExport(opportunityId, lens.window)} />
      </div>
      <div className={classes.table}>
        <Table
          caption="Touches before the close, with credit by model"
          rows={isAll ? touches : inWindow}
          columns={columnsOf(lens, currency, models, timeZone)}
          rowKey={(touch) => touch.touchpointId}
          empty={
            <EmptyState title={before === 0 ? 'No touch is known' : 'No touch in the window'}>
              {before === 0
                ? 'Nobody who took part in this deal was touched before it closed.'
                : 'All touches of this deal lie before the window: its amount is uncredited.'}
            </EmptyState>
          }
          foot={[
            `Sum of ${formatCount(inWindow.length)} touches`,
            '',
            ...models.map((model) => (
              <span key={model} data-chosen={model === lens.model || undefined}>
                {formatExact(sumOf(model), currency)}
              </span>
            )),
          ]}
        />
        {before > 0 && (
          <div className={classes.before}>
            <Button size="xs" variant="default" aria-expanded={isAll} onClick={toggle}>
              {isAll ? 'Hide' : 'Show'} {formatCount(before)} earlier touches
            </Button>
            <span>Before the window: they have no credit.</span>
          </div>
        )}
      </div>
      <output className={classes.check}>
        {note ??
          (models.every((model) => sumOf(model) === amountMinor)
            ? `✓ Under every model the touches sum to ${currency} ${formatExact(amountMinor ?? 0, currency)}, to the cent.`
            : 'The sums differ from the amount: the ledger is being computed again.')}
      </output>
    </>
  )
}

function columnsOf(
  { campaignId, model }: ReceiptLens,
  currency: string,
  models: readonly AttributionModel[],
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
            {campaignId !== undefined && touch.campaignId === campaignId && (
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
    ...models.map((option): Column<Touch> => ({
      title: option === model ? `${describeModel(option).label} ✓` : describeModel(option).label,
      hint: describeModel(option).rule,
      align: 'end',
      cell: ({ creditedMinor }) => (
        <span
          data-chosen={option === model || undefined}
          data-none={!creditedMinor[option] || undefined}
        >
          {creditedMinor[option] ? formatExact(creditedMinor[option], currency) : '—'}
        </span>
      ),
    })),
  ]
}
