import { Problem } from '#core/problem.ts'
import { parseInput } from '#gateway/input.ts'
import { ImportChoices } from '#imports/import.schema.ts'
import { guessMapping } from '#imports/mapping.ts'

/** The options of `throughline import` as commander gives them. */
export interface ImportOptions {
  map: string[]
  dateFormat: string[]
  zone?: string
  source?: string
  encoding?: string
  delimiter?: string
  dryRun?: true
  rejects?: string
  workspace?: string
  yes?: true
}

/** @throws Problem `request.invalid` that names the option. */
export function readChoices({
  map,
  dateFormat,
  zone,
  source,
  encoding,
  delimiter,
}: ImportOptions): ImportChoices {
  const given = {
    mapping: map.map((text) => {
      const [column, use] = cut(text, '--map')
      if (use === 'ignore') return { column, ignore: true }
      if (use === 'custom')
        return { column, custom: guessMapping([{ column, values: [] }], []).custom[0]!.key }
      return use.startsWith('custom:') ? { column, custom: use.slice(7) } : { column, field: use }
    }),
    dateFormats: dateFormat.map((text) => {
      const [column, format] = cut(text, '--date-format')
      return { column, format }
    }),
    zone,
    source,
    encoding,
    delimiter: delimiter === 'tab' || delimiter === '\\t' ? '\t' : delimiter,
  }
  const parsed = parseInput(ImportChoices, given)
  if ('problem' in parsed) throw parsed.problem
  return parsed.value as ImportChoices
}

/** Cut at the last equals sign: columns may hold one, fields do not. */
function cut(text: string, option: string): [string, string] {
  const at = text.lastIndexOf('=')
  if (at < 1) throw new Problem('request.invalid', `${option} takes column=value, not “${text}”.`)
  return [text.slice(0, at), text.slice(at + 1)]
}
