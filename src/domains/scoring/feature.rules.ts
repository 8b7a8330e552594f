import { UNSEEN, categoryColumn, numberColumn, type Table } from '#analytics/learning/table.ts'
import type { ModelColumn } from '#analytics/learning/model.ts'

/** What is known of one lead or opportunity at one moment, by feature; null is unknown. */
export type FeatureRow = Readonly<Record<string, string | number | null>>

export interface Feature {
  name: string
  kind: 'number' | 'category'
  /** For people who read the reasons. */
  label: string
}

const number = (name: string, label: string): Feature => ({ name, kind: 'number', label })
const category = (name: string, label: string): Feature => ({ name, kind: 'category', label })

/** What a lead's chance is judged by. Ids of campaigns and names of countries, nothing that names a person. */
export const leadFeatures: readonly Feature[] = [
  category('channel', 'Channel that it came by'),
  category('campaign', 'Campaign that it came by'),
  category('country', 'Country'),
  category('industry', 'Industry'),
  number('employees', 'Size of the company'),
  category('mail', 'Kind of mail address'),
  category('seniority', 'Seniority of the job'),
  category('work', 'Field of the job'),
  category('consent', 'Consent to marketing'),
  number('ageDays', 'Days since it came'),
  number('captures', 'Submissions'),
  number('touches', 'Touches'),
  number('touches7', 'Touches in 7 days'),
  number('touches30', 'Touches in 30 days'),
  number('activeDays', 'Days with a touch'),
  number('channels', 'Channels touched'),
  number('quietDays', 'Days since the last touch'),
  number('demoRequests', 'Demo requests'),
  number('forms', 'Forms filled in'),
  number('events', 'Events, webinars and meetings'),
  number('emailClicks', 'Clicks in e-mails'),
  number('adClicks', 'Clicks on advertisements'),
  number('unsubscribes', 'Unsubscribed'),
]

/** What the chance of an open opportunity is judged by. */
export const opportunityFeatures: readonly Feature[] = [
  category('pipeline', 'Pipeline'),
  category('stage', 'Stage'),
  number('stagePosition', 'Place of the stage'),
  number('stageDays', 'Days in the stage'),
  number('stageMoves', 'Stages entered'),
  number('ageDays', 'Days open'),
  number('amount', 'Amount'),
  category('currency', 'Currency'),
  category('owner', 'Owner'),
  category('channel', 'Channel of the first touch'),
  number('people', 'People in it'),
  number('touches', 'Touches of its people'),
  number('touches30', 'Touches in 30 days'),
  number('quietDays', 'Days since the last touch'),
]

/** Rows as the columns that a model reads: its own ones with its levels, or those of the features when it is yet to be. */
export function toTable(
  rows: readonly FeatureRow[],
  columns: readonly (Feature | ModelColumn)[],
): Table {
  return {
    rows: rows.length,
    columns: columns.map((column) => {
      const { name } = column
      if (column.kind === 'number') {
        const values = Float64Array.from(rows, (row) => {
          const value = row[name]
          return typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN
        })
        return numberColumn(name, values)
      }
      const texts = rows.map((row) => {
        const value = row[name]
        return value === null || value === undefined ? null : String(value)
      })
      return categoryColumn(name, texts, 'levels' in column ? column.levels : undefined)
    }),
  }
}

/** The columns that say anything: not constant, not empty. */
export function withoutConstants(table: Table): { table: Table; constant: string[] } {
  const constant: string[] = []
  const columns = table.columns.filter((column) => {
    const seen = new Set<number>()
    const values = column.kind === 'number' ? column.values : column.codes
    for (const value of values) {
      seen.add(Number.isNaN(value) ? UNSEEN : value)
      if (seen.size > 1) return true
    }
    constant.push(column.name)
    return false
  })
  return { table: { rows: table.rows, columns }, constant }
}

const seniorities: readonly [string, RegExp][] = [
  ['learner', /\b(?:student|intern|trainee|apprentice|looking for)\b/],
  [
    'chief',
    /\b(?:chief|c[etfmroi]o|founder|owner|president|partner|managing director|gesch.ftsf.hrer(?:in)?)\b/,
  ],
  ['director', /\b(?:vp|vice president|svp|evp|head of|head|director|leiter(?:in)?)\b/],
  ['manager', /\b(?:manager|lead|team lead|supervisor|principal)\b/],
]
const fields: readonly [string, RegExp][] = [
  ['marketing', /\b(?:marketing|growth|demand|brand|content|seo|cmo)\b/],
  ['sales', /\b(?:sales|account executive|business development|revenue|cro|vertrieb)\b/],
  [
    'technology',
    /\b(?:engineer|engineering|developer|software|it|data|technology|cto|cio|architect)\b/,
  ],
  ['finance', /\b(?:finance|financial|controller|accounting|cfo)\b/],
  ['operations', /\b(?:operations|logistics|supply|procurement|coo|ceo|purchasing)\b/],
  ['product', /\b(?:product|design|ux)\b/],
  ['success', /\b(?:customer|success|support|service)\b/],
  ['people', /\b(?:human resources|hr|people|recruit\w{0,10}|talent)\b/],
]

/** A job title as two classes, which name nobody; null where there is no title. */
export function readTitle(title: string | null): { seniority: string | null; work: string | null } {
  if (title === null || title.trim() === '') return { seniority: null, work: null }
  const text = title.toLowerCase().slice(0, 200)
  const first = (table: readonly [string, RegExp][]) =>
    table.find(([, words]) => words.test(text))?.[0] ?? 'other'
  return { seniority: first(seniorities), work: first(fields) }
}
