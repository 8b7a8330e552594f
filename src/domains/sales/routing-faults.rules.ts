import type { InputFault } from '#core/problem.ts'
import { countryCode } from './country.ts'
import type { RoutingRules } from './routing.schema.ts'

/** What is wrong with rules before they are published: unknown owners and countries, doubled ids, empty ranges. */
export function routingFaults(
  rules: RoutingRules,
  knownOwnerIds: ReadonlySet<string>,
): InputFault[] {
  const faults: InputFault[] = []
  const checkOwners = (ownerIds: readonly string[], pointer: string) => {
    for (const [i, id] of ownerIds.entries()) {
      if (!knownOwnerIds.has(id))
        faults.push({ pointer: `${pointer}/${i}`, detail: `There is no owner ${id}.` })
      if (ownerIds.indexOf(id) < i)
        faults.push({ pointer: `${pointer}/${i}`, detail: `${id} stands here twice.` })
    }
  }
  const ids = new Set<string>()
  for (const [i, rule] of rules.rules.entries()) {
    const pointer = `/rules/${i}`
    if (ids.has(rule.id))
      faults.push({ pointer: `${pointer}/id`, detail: `The id ${rule.id} is used twice.` })
    ids.add(rule.id)
    if (rule.ownerIds.length === 0) {
      faults.push({ pointer: `${pointer}/ownerIds`, detail: 'Name at least one owner.' })
    }
    checkOwners(rule.ownerIds, `${pointer}/ownerIds`)
    for (const [j, country] of (rule.when.countries ?? []).entries()) {
      if (countryCode(country) === null) {
        faults.push({
          pointer: `${pointer}/when/countries/${j}`,
          detail: `${country} is no country.`,
        })
      }
    }
    const { employeesMin, employeesMax } = rule.when
    if (employeesMin !== undefined && employeesMax !== undefined && employeesMin > employeesMax) {
      faults.push({ pointer: `${pointer}/when/employeesMax`, detail: 'It is below employeesMin.' })
    }
  }
  checkOwners(rules.fallback.ownerIds, '/fallback/ownerIds')
  return faults
}
