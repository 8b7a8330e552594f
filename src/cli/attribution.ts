import { Command } from 'commander'
import type { App } from '#app.ts'
import { addFileOptions, attributeFile, furtherModels } from '#cli/attribution.file.ts'
import type { FileOptions } from '#cli/attribution.file.ts'
import { call } from '#cli/call.ts'
import { withApp } from '#cli/with-app.ts'
import { chooseWorkspace } from '#cli/workspace.ts'
import { formatMinor } from '#core/money.ts'
import { Problem } from '#core/problem.ts'

interface Options extends FileOptions {
  model?: string
  window?: string
  currency?: string
  from?: string
  to?: string
  workspace?: string
}

interface Credit {
  creditedMinor: number
  deals: number
  n: number
}

interface Won {
  wonMinor: number
  wonDeals: number
  uncreditedMinor: number
  uncreditedDeals: number
  otherCurrencies: { currency: string; deals: number; amountMinor: number }[]
}

interface ChannelReport {
  currency: string
  workspace: Won
  channels: (Credit & { channel: string })[]
}

interface CampaignReport {
  currency: string
  campaign: { name: string; key: string }
  models: (Credit & { model: string })[]
  workspace: Won
}

export function attributionCommand(): Command {
  const command = new Command('attribution')
    .description(
      'What was won, by channel; or what one campaign brought, under every model. Of files (--paths, --journeys) without a database.',
    )
    .argument('[campaign]', 'key or id of a campaign; left out: all channels')
    .option(
      '-m, --model <model>',
      `first, last, linear, position or time_decay (default: linear); of files also ${furtherModels()}, several with commas, or all (default: markov)`,
    )
    .option(
      '--window <days>',
      'days before the close in which a touch counts, or all (default: 90; of files all)',
    )
    .option('--currency <code>', 'deals of this currency; default: the currency of the workspace')
    .option('--from <date>', 'first day of the close')
    .option('--to <date>', 'last day of the close')
    .option('--json', 'the whole answer as JSON', false)
    .option('-w, --workspace <name>', 'the workspace, when there are several')
  return addFileOptions(command).action(async (campaign: string | undefined, options: Options) => {
    if (options.paths !== undefined || options.journeys !== undefined)
      return attributeFile(command, options)
    return withApp(async (app) => {
      const workspaceId = await chooseWorkspace(app, options.workspace)
      await app.jobs.drain() // figures of a moment ago are no figures
      await (campaign === undefined
        ? showChannels(app, workspaceId, options)
        : showCampaign(app, workspaceId, campaign, options))
    })
  })
}

async function showChannels(app: App, workspaceId: string, options: Options): Promise<void> {
  const report = await call<ChannelReport>(
    app,
    workspaceId,
    'getChannelAttribution',
    lensOf(options),
  )
  if (options.json) return print(JSON.stringify(report, null, 2))
  print(line('channel', 'won', 'deals', 'n'))
  for (const row of report.channels)
    print(
      line(
        row.channel,
        money(row.creditedMinor, report.currency),
        row.deals.toFixed(2),
        String(row.n),
      ),
    )
  printWon(report.workspace, report.currency)
}

async function showCampaign(
  app: App,
  workspaceId: string,
  campaign: string,
  options: Options,
): Promise<void> {
  const campaignId = campaign.startsWith('cmp_')
    ? campaign
    : await findCampaign(app, workspaceId, campaign)
  const report = await call<CampaignReport>(app, workspaceId, 'getCampaignAttribution', {
    campaignId,
    ...lensOf(options),
  })
  if (options.json) return print(JSON.stringify(report, null, 2))
  print(`${report.campaign.name} (${report.campaign.key})`)
  print(line('model', 'won', 'deals', 'n'))
  for (const row of report.models)
    print(
      line(
        row.model,
        money(row.creditedMinor, report.currency),
        row.deals.toFixed(2),
        String(row.n),
      ),
    )
  printWon(report.workspace, report.currency)
}

async function findCampaign(app: App, workspaceId: string, key: string): Promise<string> {
  const { data } = await call<{ data: { id: string }[] }>(app, workspaceId, 'listCampaigns', {
    key,
  })
  if (!data[0]) throw new Problem('resource.not_found', `There is no campaign with the key ${key}.`)
  return data[0].id
}

function lensOf({
  model = 'linear',
  window = '90',
  currency,
  from,
  to,
}: Options): Record<string, string> {
  const given = Object.entries({ currency, from, to }).filter(([, value]) => value !== undefined)
  return { model, window, ...(Object.fromEntries(given) as Record<string, string>) }
}

function printWon(won: Won, currency: string): void {
  print(line('uncredited', money(won.uncreditedMinor, currency), String(won.uncreditedDeals), ''))
  print(line('all won', money(won.wonMinor, currency), String(won.wonDeals), ''))
  for (const other of won.otherCurrencies) {
    print(
      `not in these figures: ${other.deals} deals of ${money(other.amountMinor, other.currency)} (--currency ${other.currency})`,
    )
  }
}

const money = (amountMinor: number, currency: string) =>
  `${formatMinor(amountMinor, currency)} ${currency}`
const line = (...cells: string[]) =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(24) : cell.padStart(18))).join('')
const print = (text: string) => void process.stdout.write(`${text}\n`)
