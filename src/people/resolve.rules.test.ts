import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isIdentifying } from '#people/identity.rules.ts'
import {
  kindLabel,
  resolveCaptures,
  type KnownPeople,
  type Resolution,
} from '#people/resolve.rules.ts'
import { groupsOf, identities, placeNaively } from '#tests/people-model.ts'

const nobody: KnownPeople = { people: [], personIdByKey: new Map() }

function resolve(captures: string[], known: KnownPeople = nobody): Resolution {
  let count = 0
  return resolveCaptures(captures.map(identities), known, () => `new${(count += 1)}`)
}

/** `{ old1: 'a1', old2: 'e1 u1' }`: who is known by what. */
function know(people: Record<string, string>): KnownPeople {
  const owned = Object.entries(people).map(([id, text]) => ({ id, keys: identities(text) }))
  return {
    people: owned.map(({ id, keys }) => ({
      id,
      identified: keys.some(({ kind }) => isIdentifying(kind)),
      labels: keys.filter(({ kind }) => isIdentifying(kind)).map((k) => kindLabel(k.kind, '')),
    })),
    personIdByKey: new Map(owned.flatMap(({ id, keys }) => keys.map(({ key }) => [key, id]))),
  }
}

test('an unknown identity is a new person', () => {
  expect(resolve(['e1'])).toMatchObject({
    personIds: ['new1'],
    newPeople: [{ id: 'new1', identified: true, firstCapture: 0 }],
  })
  expect(resolve(['a1']).newPeople).toEqual([{ id: 'new1', identified: false, firstCapture: 0 }])
})

test('captures of one batch that share an identity are one person', () => {
  const { personIds, newPeople, newIdentities } = resolve(['e1', 'e1 a1', 'a1'])
  expect(personIds).toEqual(['new1', 'new1', 'new1'])
  expect(newPeople).toHaveLength(1)
  expect(newIdentities.map(({ key }) => key)).toEqual(['e1', 'a1'])
})

test('an anonymous person that names itself is identified, not merged', () => {
  const resolution = resolve(['a1 e1'], know({ old: 'a1' }))
  expect(resolution).toMatchObject({ personIds: ['old'], identified: ['old'], merges: [] })
})

test('an anonymous person is merged into the identified one it turns out to be', () => {
  const resolution = resolve(['a1 e1'], know({ old: 'a1', ada: 'e1' }))
  expect(resolution).toMatchObject({
    personIds: ['ada'],
    merges: [{ from: 'old', into: 'ada' }],
    newIdentities: [],
    conflicts: [],
  })
})

test('of two anonymous people the older stays', () => {
  const resolution = resolve(['a2 a1'], know({ old1: 'a1', old2: 'a2' }))
  expect(resolution).toMatchObject({
    personIds: ['old1'],
    merges: [{ from: 'old2', into: 'old1' }],
  })
})

test('a chain of merges in one batch ends at the last survivor', () => {
  const known = know({ old1: 'a1', old2: 'a2', ada: 'e1' })
  const resolution = resolve(['a2', 'a1 a2', 'a1 e1'], known)
  expect(resolution.personIds).toEqual(['ada', 'ada', 'ada'])
  expect(resolution.merges).toEqual([
    { from: 'old2', into: 'ada' },
    { from: 'old1', into: 'ada' },
  ])
})

test('an anonymous person of the same batch leaves no trace', () => {
  const resolution = resolve(['a1', 'a1 e1'], know({ ada: 'e1' }))
  expect(resolution).toMatchObject({ personIds: ['ada', 'ada'], newPeople: [], merges: [] })
  expect(resolution.newIdentities).toEqual([{ key: 'a1', personId: 'ada', capture: 0 }])
})

test('two identified people are not merged: the strongest identifier names the person', () => {
  const resolution = resolve(['e1 u1'], know({ ada: 'e1', bob: 'u1' }))
  expect(resolution.personIds).toEqual(['bob'])
  expect(resolution.merges).toEqual([])
  expect(resolution.conflicts).toEqual([
    { capture: 0, personId: 'bob', otherPersonId: 'ada', kinds: ['user_id', 'email'] },
  ])
})

test('a second human on a shared browser becomes a person of their own', () => {
  const resolution = resolve(['a1 e2'], know({ ada: 'a1 e1' }))
  expect(resolution.personIds).toEqual(['new1'])
  expect(resolution.conflicts).toMatchObject([{ personId: 'new1', otherPersonId: 'ada' }])
})

test('a first login in the browser of a known address is the same person', () => {
  const resolution = resolve(['a1 u1', 'u1'], know({ ada: 'a1 e1' }))
  expect(resolution).toMatchObject({ personIds: ['ada', 'ada'], conflicts: [], newPeople: [] })
})

const capture = fc
  .uniqueArray(fc.constantFrom('e1', 'e2', 'e3', 'u1', 'u2', 'x1', 'a1', 'a2', 'a3', 'a4'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((keys) => keys.join(' '))

test('a batch ends as the same captures would one by one, for any history', () => {
  fc.assert(
    fc.property(fc.array(capture, { maxLength: 12 }), (captures) => {
      const { personIds } = resolve(captures)
      expect(groupsOf(personIds)).toEqual(groupsOf(placeNaively(captures)))
    }),
    { numRuns: 3000 },
  )
})

test('no known identified person is ever merged away, and every conflict is between two of them', () => {
  const known = know({ p1: 'e1 a1', p2: 'u1', p3: 'a2', p4: 'a3', p5: 'e2 x1' })
  fc.assert(
    fc.property(fc.array(capture, { maxLength: 10 }), (captures) => {
      const { merges, conflicts, personIds, newIdentities } = resolve(captures, known)
      expect(merges.every(({ from }) => from === 'p3' || from === 'p4')).toBe(true)
      expect(new Set(merges.map(({ from }) => from)).size).toBe(merges.length)
      for (const { personId, otherPersonId } of conflicts) expect(personId).not.toBe(otherPersonId)
      const gone = new Set(merges.map(({ from }) => from))
      const alive = [...personIds, ...newIdentities.map((row) => row.personId)]
      expect(alive.every((id) => !gone.has(id))).toBe(true)
    }),
    { numRuns: 2000 },
  )
})
