import { expect } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { casesOf } from './case.ts'

/** What Pipedrive refuses of single persons. */
export const pipedriveCases = casesOf('pipedrive', [
  {
    code: 'ERR_SCHEMA_VALIDATION_FAILED',
    when: 'a text is longer than the field that it is mapped to, until it is shortened here',
    stream: 'persons',
    detail: /Properties: .*email/,
    async before(world) {
      const fields = { person: [{ field_name: 'Colour', field_type: 'varchar' }] }
      const [code = ''] = world.sandbox.seed({ fields }).codes.person
      await world.map('persons', 'custom.colour', code)
    },
    breaks: (world) => world.capture('ada@example.com', { custom: { colour: 'x'.repeat(300) } }),
    mends: (world) => world.capture('ada@example.com', { custom: { colour: 'mauve' } }),
    cleared: 'next run',
  },
  {
    code: 'HTTP_400',
    when: 'Pipedrive refuses a person without naming a code',
    stream: 'persons',
    detail: /Properties: .*email/,
    async breaks(world) {
      await world.capture('ada@example.com')
      const body = { success: false, error: 'Bad request', error_info: '', data: null }
      const create = { method: 'POST', path: '*/persons' }
      world.lift = world.sandbox.down(create, { kind: 'status', status: 400, body })
    },
    mends: async (world) => world.lift(),
    cleared: 'retry',
  },
  {
    code: 'hooks.not_made',
    when: 'the user lost the right to make webhooks',
    stream: 'webhooks',
    seen: 'stream',
    detail: /scope or right/,
    settings: { realTime: true },
    async breaks(world) {
      // They are looked at once a day.
      world.clock.advance(DAY_MS)
      world.lift = world.sandbox.failNext({ kind: 'status', status: 403, path: '*/webhooks' })
    },
    mends: async (world) => world.lift(),
    cleared: 'next run',
  },
  {
    code: 'PERSON_CLAIMED',
    when: 'the address was given to the person of another lead a moment ago',
    stream: 'persons',
    detail: /belongs to lead_/,
    before: (world) => world.capture('ada@example.com'),
    async breaks(world) {
      const emails = [{ value: 'bob@example.com' }]
      world.sandbox.edit('person', world.onlyPerson(), { emails })
      await world.capture('bob@example.com')
    },
    async mends(world) {
      const emails = [{ value: 'ada@example.com' }]
      world.sandbox.edit('person', world.onlyPerson(), { emails })
    },
    cleared: 'retry',
  },
  {
    code: 'RECORD_GONE',
    when: 'the person is gone for good and no list says so',
    stream: 'persons',
    async before(world) {
      world.note('lead', await world.capture('ada@example.com'))
    },
    async breaks(world) {
      world.note('person', world.onlyPerson())
      world.sandbox.remove('person', world.onlyPerson(), 'vanish')
      await world.change(world.noted('lead'), { company: 'Analytical Engines' })
    },
    mends: (world) => world.run({ reconcile: true }),
    cleared: 'retry',
    ends: async (world) => expect(world.onlyPerson()).not.toBe(world.noted('person')),
  },
])
