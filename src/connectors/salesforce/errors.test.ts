import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VendorProperties } from '#sync/connector.ts'
import { errorCatalogue } from '#sync/error-catalogue.ts'
import { errorOfFile, faultOf } from './errors.ts'
import { signal, streamOf, TestOrg } from '#tests/salesforce-session.ts'

let org: TestOrg
let ids: Record<string, string[]>
beforeAll(async () => {
  org = await TestOrg.start()
  org.sandbox.installHubIds()
  ids = org.sandbox.seed({
    validationRules: [
      {
        object: 'Lead',
        name: 'R',
        refuses: "Title = 'Broke'",
        message: 'No budget',
        field: 'Title',
      },
    ],
    duplicateRules: [{ object: 'Lead', name: 'D', matchesOn: ['Phone'], action: 'block' }],
    records: {
      User: [{ LastName: 'G', Username: 'g@x.com', Email: 'g@x.com', IsActive: false }],
      Lead: [
        { LastName: 'A', Company: 'C', Phone: '1', Hub_Id__c: 'lead_a' },
        { LastName: 'B', Company: 'C' },
        { LastName: 'C', Company: 'C' },
      ],
      Opportunity: [{ Name: 'D', StageName: 'Prospecting', CloseDate: '2026-12-31' }],
    },
  })
  org.sandbox.convert(ids['Lead']?.[1] ?? '')
  org.sandbox.remove('Lead', ids['Lead']?.[2] ?? '')
})
afterAll(() => org.stop())

interface Case {
  stream?: string
  properties: () => VendorProperties
  externalId?: () => string
  /** Refused by a fault: the sandbox has nothing of its own that would. */
  injected?: boolean
}

const first = (object: string, i = 0) => ids[object]?.[i] ?? ''

/** How each code that Salesforce refuses a record with comes about. */
const cases: Record<string, [kind: string, Case]> = {
  REQUIRED_FIELD_MISSING: [
    'record',
    {
      stream: 'opportunities',
      externalId: () => first('Opportunity'),
      properties: () => ({ CloseDate: null }),
    },
  ],
  INVALID_EMAIL_ADDRESS: ['record', { properties: () => ({ Email: 'x' }) }],
  STRING_TOO_LONG: ['record', { properties: () => ({ FirstName: 'x'.repeat(41) }) }],
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: [
    'record',
    {
      stream: 'opportunities',
      externalId: () => first('Opportunity'),
      properties: () => ({ StageName: 'Dreaming' }),
    },
  ],
  FIELD_CUSTOM_VALIDATION_EXCEPTION: ['record', { properties: () => ({ Title: 'Broke' }) }],
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: ['record', { properties: () => ({}), injected: true }],
  DUPLICATES_DETECTED: [
    'conflict',
    {
      externalId: () => org.sandbox.add('Lead', { LastName: 'E', Company: 'C' }),
      properties: () => ({ Phone: '1' }),
    },
  ],
  DUPLICATE_VALUE: [
    'conflict',
    {
      externalId: () => org.sandbox.add('Lead', { LastName: 'F', Company: 'C' }),
      properties: () => ({ Hub_Id__c: 'lead_a' }),
    },
  ],
  DUPLICATE_EXTERNAL_ID: ['conflict', { properties: () => ({}), injected: true }],
  RECORD_CLAIMED: ['conflict', { properties: () => ({ Phone: '1' }) }],
  CANNOT_UPDATE_CONVERTED_LEAD: [
    'gone',
    { externalId: () => first('Lead', 1), properties: () => ({ Title: 'x' }) },
  ],
  ENTITY_IS_DELETED: [
    'gone',
    { externalId: () => first('Lead', 2), properties: () => ({ Title: 'x' }) },
  ],
  MALFORMED_ID: ['record', { properties: () => ({ OwnerId: 'nonsense' }) }],
  INVALID_CROSS_REFERENCE_KEY: ['record', { properties: () => ({ OwnerId: '005SB0000000zzz' }) }],
  INACTIVE_OWNER_OR_USER: ['record', { properties: () => ({ OwnerId: first('User') }) }],
  INVALID_FIELD: ['mapping', { properties: () => ({ Nope__c: 'x' }) }],
  INVALID_FIELD_FOR_INSERT_UPDATE: ['record', { properties: () => ({ IsConverted: true }) }],
  UNABLE_TO_LOCK_ROW: ['transient', { properties: () => ({}), injected: true }],
}

test.each(Object.entries(cases))('%s is told as such and explained', async (code, [kind, one]) => {
  const stream = streamOf(org.open(), one.stream ?? 'leads')
  const record = { localId: `lead_${code}`, values: {} }
  const externalId = one.externalId?.() ?? null
  const lift = one.injected
    ? org.sandbox.down({}, { kind: 'refuse-rows', everyNth: 1, code })
    : () => undefined
  const change = { key: record.localId, record, externalId, properties: one.properties() }
  const [result] = await stream.push!([change], signal)
  lift()
  expect(result).toMatchObject({ kind: 'refused', code, fault: kind })
  expect(errorCatalogue[code]?.whatToDo).toBeTruthy()
})

test.each([
  [401, 'INVALID_SESSION_ID', '', 'reauth'],
  [403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.', 'rate_daily'],
  [403, 'REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests Limit exceeded.', 'rate_burst'],
  [403, 'API_DISABLED_FOR_ORG', '', 'permission'],
  [400, 'QUERY_TIMEOUT', '', 'transient'],
  [400, 'INVALID_QUERY_LOCATOR', '', 'cursor_lost'],
  [400, 'MALFORMED_QUERY', 'near ada@example.com', 'mapping'],
  [404, 'NOT_FOUND', '', 'gone'],
  [412, 'PRECONDITION_FAILED', '', 'conflict'],
  [500, 'UNKNOWN_EXCEPTION', '', 'transient'],
  [503, 'SERVER_UNAVAILABLE', '', 'transient'],
])('a call that fails with %i %s is %s', (status, errorCode, message, kind) => {
  const fault = faultOf({ status, headers: {}, body: [{ errorCode, message }] })
  expect(fault).toMatchObject({ kind, code: errorCode })
  expect(fault.message).not.toContain('ada@')
})

test.each([
  ['a page of HTML', 503, undefined, 'transient'],
  ['nothing at all', 420, undefined, 'rate_burst'],
  ['an error of the token endpoint', 400, { error: 'rate_limit_exceeded' }, 'rate_burst'],
])('%s in place of an error list is told by its status', (_what, status, body, kind) => {
  expect(faultOf({ status, headers: {}, body }).kind).toBe(kind)
})

test('the error of a file is read with its code and its fields', () => {
  expect(errorOfFile('REQUIRED_FIELD_MISSING:Required: [A:B]:LastName,Company --')).toEqual({
    statusCode: 'REQUIRED_FIELD_MISSING',
    message: 'Required: [A:B]',
    fields: ['LastName', 'Company'],
  })
  expect(errorOfFile('UNABLE_TO_LOCK_ROW:locked:--')).toMatchObject({ fields: [] })
})
