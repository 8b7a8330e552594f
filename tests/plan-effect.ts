import type { PlannedRow } from '#sync/change-plan.store.ts'
import type { VendorAccount } from '#tests/vendor-accounts.ts'

/** Which of the planned properties are not there in the same text, and which others are not as before. */
export function differences(
  account: VendorAccount,
  before: ReturnType<VendorAccount['properties']>,
  planned: readonly (PlannedRow & { email: string })[],
): string[] {
  const after = account.properties()
  const plain = (value: unknown) =>
    value === null || value === undefined || value === ''
      ? ''
      : JSON.stringify(value).replaceAll('"', '')
  const wrong: string[] = []
  const planOf = new Map(planned.map((one) => [one.email, one]))
  for (const [email, now] of after) {
    const was = before.get(email)
    const plan = planOf.get(email)
    if (!was && plan?.action !== 'create') wrong.push(`${email} was not planned`)
    for (const [name, value] of Object.entries(plan?.properties ?? {})) {
      if (plain(now[name]) !== plain(value)) wrong.push(`${email} ${name}`)
    }
    for (const name of Object.keys(was ?? {})) {
      const isSystem = /modif|stamp|lastmodified|update_time|^hs_/i.test(name)
      if (isSystem || plan?.properties[name] !== undefined) continue
      if (plain(now[name]) !== plain(was![name])) wrong.push(`${email} ${name} changed unplanned`)
    }
  }
  return wrong
}
