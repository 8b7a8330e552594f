import { dayOf } from '#core/zone.ts'
import { createCampaign } from '#domains/marketing/campaign.operations.ts'
import type { CellValue } from '#imports/cell.ts'
import { names } from '#imports/names.ts'
import type { ImportTarget, MappedRow, TargetContext } from '#imports/target.ts'
import { channelKey, slugOf } from '#people/channel.rules.ts'

/** Campaigns from a file: each row makes one; a key that is taken is rejected, not changed. */
export const campaignImport: ImportTarget = {
  name: 'campaigns',
  label: 'Campaigns',
  operation: createCampaign,
  maxCustom: 0,
  requiresOneOf: ['name', 'key'],
  fields: [
    {
      field: 'name',
      label: 'Name',
      kind: 'text',
      aliases: names(
        'campaign, campaign name, title, kampagne, kampagnenname, campana, campagne, campagna, nombre, nom, nome, naam',
      ),
    },
    {
      field: 'key',
      label: 'Key',
      kind: 'text',
      aliases: names(
        'campaign key, campaign id, campaign code, code, utm campaign, utm_campaign, id',
      ),
    },
    {
      field: 'channel',
      label: 'Channel',
      kind: 'text',
      aliases: names(
        'type, campaign type, medium, marketing channel, kanal, canal, canale, kanaal',
      ),
    },
    {
      field: 'status',
      label: 'Status',
      kind: 'text',
      aliases: names('state, estado, statut, stato'),
    },
    {
      field: 'startsOn',
      label: 'First day',
      kind: 'date',
      aliases: names(
        'start, start date, starts on, starts, begin, from, beginn, startdatum, inicio, debut, inizio',
      ),
    },
    {
      field: 'endsOn',
      label: 'Last day',
      kind: 'date',
      aliases: names(
        'end, end date, ends on, ends, to, until, ende, enddatum, fin, fecha fin, fine, einddatum',
      ),
    },
    {
      field: 'budget',
      label: 'Budget',
      kind: 'money',
      aliases: names('budgeted cost, planned cost, amount, presupuesto, budget total'),
    },
  ],
  toInput,
}

function toInput({ values }: MappedRow, { zone }: TargetContext): Record<string, unknown> {
  const { key, channel, status, startsOn, endsOn, budget } = values
  const name = values['name'] ?? key
  return {
    name,
    key: key ?? name,
    channel: typeof channel === 'string' ? channelKey(channel) || 'unknown' : 'unknown',
    ...(typeof status === 'string' && { status: statusOf(status) }),
    ...(startsOn instanceof Date && { startsOn: dayOf(startsOn, zone) }),
    ...(endsOn instanceof Date && { endsOn: dayOf(endsOn, zone) }),
    ...moneyOf(budget),
  }
}

/** CRMs' words for the states of a campaign; a word that is none of them is left for the schema to refuse. */
const statuses: ReadonlyMap<string, string> = new Map([
  ['draft', 'planned'], ['scheduled', 'planned'], ['geplant', 'planned'], ['in_progress', 'active'],
  ['running', 'active'], ['live', 'active'], ['aktiv', 'active'], ['on_hold', 'paused'],
  ['pausiert', 'paused'], ['completed', 'ended'], ['complete', 'ended'], ['finished', 'ended'],
  ['done', 'ended'], ['aborted', 'ended'], ['archived', 'ended'], ['beendet', 'ended'],
]) // prettier-ignore

function statusOf(text: string): string {
  const word = slugOf(text)
  return statuses.get(word) ?? word
}

function moneyOf(budget: CellValue | undefined): Record<string, unknown> {
  if (typeof budget !== 'object' || budget instanceof Date) return {}
  return { budgetMinor: budget.amountMinor, currency: budget.currency }
}
