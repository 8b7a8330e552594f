import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coversScope, decide, type Grant } from '#access/permissions/permissions.rules.ts'

/** A tree as a plain list: each node's parent stands before it; node 0 is the org. */
const tree = fc
  .array(fc.nat(), { minLength: 1, maxLength: 25 })
  .map((seeds) => [-1, ...seeds.map((seed, i) => seed % (i + 1))])
const scopes = ['leads:read', 'leads:write', 'tasks:read', 'tasks:write']
const patterns = [...scopes, 'leads:*', '*:read', '*', '*:*']
const step = fc.record({
  kind: fc.constantFrom('grant', 'grant', 'revoke'),
  effect: fc.constantFrom('allow' as const, 'deny' as const),
  pattern: fc.constantFrom(...patterns),
  node: fc.nat(),
})

/** The model: climbs from the node to the root and reads what is written there, word for word. */
function mayModel(
  parents: number[],
  notes: Map<number, { effect: string; pattern: string }[]>,
  roles: Set<string>,
  scope: string,
  node: number,
): boolean {
  let isAllowed = roles.has(scope)
  for (let at = node; at !== -1; at = parents[at]!) {
    for (const { effect, pattern } of notes.get(at) ?? []) {
      const [r = '', a = '*'] = pattern.split(':')
      const [resource, action] = scope.split(':')
      if ((r !== '*' && r !== resource) || (a !== '*' && a !== action)) continue
      if (effect === 'deny') return false
      isAllowed = true
    }
  }
  return isAllowed
}

test('any sequence of grants and revocations in any tree gives what the plain model gives', () => {
  fc.assert(
    fc.property(
      tree,
      fc.array(step, { maxLength: 30 }),
      fc.subarray(scopes),
      (parents, steps, own) => {
        const roles = new Set(own)
        const notes = new Map<number, { effect: string; pattern: string }[]>()
        let grants: Grant[] = []
        for (const [i, { kind, effect, pattern, node: seed }] of steps.entries()) {
          const node = seed % parents.length
          if (kind === 'grant') {
            grants.push({
              id: `grt_${i}`,
              subject: 'usr_1',
              effect,
              scope: pattern,
              node: `n${node}`,
            })
            notes.set(node, [...(notes.get(node) ?? []), { effect, pattern }])
          } else {
            grants = grants.filter((one) => one.node !== `n${node}` || one.scope !== pattern)
            notes.set(
              node,
              (notes.get(node) ?? []).filter((one) => one.pattern !== pattern),
            )
          }
          const target = (seed * 7 + i) % parents.length
          const path: string[] = []
          for (let at = target; at !== -1; at = parents[at]!) path.unshift(`n${at}`)
          for (const scope of scopes) {
            const model = mayModel(parents, notes, roles, scope, target)
            expect(decide(grants, roles, scope, path).allowed).toBe(model)
          }
        }
      },
    ),
    { numRuns: 10_000 },
  )
})

test('patterns cover what they say and no more', () => {
  expect(coversScope('leads:*', 'leads:write')).toBe(true)
  expect(coversScope('leads:*', 'leadsx:write')).toBe(false)
  expect(coversScope('*:read', 'people:reveal')).toBe(false)
  expect(coversScope('leads:read', 'leads:write')).toBe(false)
})
