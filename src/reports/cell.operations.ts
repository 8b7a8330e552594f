import { cutPage } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { addDays } from '#core/calendar.ts'
import { findCampaign } from '#reports/campaign-report.store.ts'
import { isFieldUsed, placesOf, reportDataset, withOrigins } from '#reports/cell.rules.ts'
import {
  CellLineage,
  CellQuery,
  RecordCellPage,
  RecordCellsQuery,
  type RecordCell,
} from '#reports/cell.schema.ts'
import {
  countCellLines,
  listCellLines,
  listRecordCells,
  type CellLine,
  type RecordCellRow,
} from '#reports/cell.store.ts'
import { readSetting, resolveLens, windowOf } from '#reports/lens.store.ts'
import { link } from '#reports/links.ts'
import type { ListOrigins } from '#sync/origin.ts'

const reading = { method: 'GET', scope: 'lineage:read', tag: 'Lineage' } as const
const PATH = '/api/v1/lineage/cells'

/** From a cell of a report back to the records that made it, and from a record to the cells that stand on it. */
export function cellOperations(listOrigins: ListOrigins): readonly Operation[] {
  const back = defineOperation({
    ...reading,
    id: 'getCellLineage',
    path: PATH,
    summary: 'Trace a cell of a report to the records and fields that made it',
    description:
      'The row of a campaign or channel, under a model and window, in a period: the deals whose amount is credited in it, every ' +
      'touch that the model divides them among, the campaign whose budget is its cost, and what set each of their fields. Ids ' +
      'and names only, no values.',
    input: CellQuery,
    output: CellLineage,
    async perform(query, { tx, now }) {
      const lens = await resolveLens(tx, query, now)
      const { campaignId = null, channel = null } = query
      const campaign = campaignId === null || campaignId === 'none' ? null : campaignId
      if (campaign !== null && !(await findCampaign(tx, campaign)))
        throw new Problem('resource.not_found', 'There is no campaign with this id.')
      const total = await countCellLines(tx, lens, query)
      const lines = await listCellLines(tx, lens, query)
      const page = cutPage(lines, query.limit, (line) => [
        line.closedAtMicros,
        line.opportunityId,
        line.touchpointId,
      ])
      const cost = campaign === null ? null : costRecord(campaign)
      const bare = page.data.map(recordOf)
      const places = [...(cost === null ? [] : [cost]), ...bare].flatMap(placesOf)
      const known = new Map(places.map((place) => [`${place.record} ${place.field}`, place]))
      const origins = await listOrigins(tx, [...known.values()], now)
      return {
        ...lens.answer,
        campaignId,
        channel,
        total,
        campaign: cost && withOrigins(cost, origins),
        data: bare.map((record) => withOrigins(record, origins)),
        nextCursor: page.nextCursor,
        dataset: reportDataset(tx.workspaceId, channel === null ? 'campaigns' : 'channels'),
      }
    },
  })

  const forward = defineOperation({
    ...reading,
    id: 'listRecordCells',
    path: '/api/v1/lineage/records/{record}/cells',
    summary: 'List the cells of reports that stand on a field of a record',
    description:
      'Campaigns and channels with credit, by the week of the close, under each model and window; none for a field that no ' +
      'figure stands on. The latest week first.',
    input: RecordCellsQuery,
    output: RecordCellPage,
    async perform(query, { tx, now }) {
      if (!isFieldUsed(query.record, query.field)) return { data: [], nextCursor: null }
      const { timeZone } = await readSetting(tx, {}, now)
      const rows = await listRecordCells(tx, query, timeZone)
      const page = cutPage(rows, query.limit, (row) => [
        row.week,
        row.kind,
        row.key,
        row.model,
        row.windowDays,
        row.currency,
      ])
      return { data: page.data.map(cellOf), nextCursor: page.nextCursor }
    },
  })
  return [back, forward]
}

function recordOf({ opportunityId, touchpointId, isCredited, source }: CellLine) {
  return touchpointId === ''
    ? {
        kind: 'deal' as const,
        part: 'amount' as const,
        record: opportunityId,
        opportunityId,
        source: null,
      }
    : {
        kind: 'touch' as const,
        part: isCredited ? ('credited' as const) : ('beside' as const),
        record: touchpointId,
        opportunityId,
        source,
      }
}

function costRecord(record: string) {
  return {
    kind: 'campaign' as const,
    part: 'cost' as const,
    record,
    opportunityId: null,
    source: null,
  }
}

function cellOf({ kind, key, name, model, windowDays, currency, week, deals }: RecordCellRow) {
  const campaignId = kind === 'campaign' ? key || 'none' : null
  const channel = kind === 'channel' ? key : null
  const lens = { model, window: windowOf(windowDays), currency, from: week, to: addDays(week, 6) }
  const fields = { campaignId, channel, ...lens }
  return {
    campaignId,
    channel,
    name: name ?? (campaignId === 'none' ? 'No campaign' : (channel ?? 'Unknown campaign')),
    ...lens,
    deals,
    lineage: link(PATH, fields),
    receipts: link('/api/v1/attribution/credits', fields),
  } satisfies RecordCell
}
