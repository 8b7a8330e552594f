import { expect, test } from 'vitest'
import { expectProblem, ManualClock, useHub } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })
const PATH = '/api/v1/integrations/sales/leads'

test('the same submission five times is one lead with five receipts', async () => {
  const workspace = await hub.freshWorkspace()
  const submission = { email: 'Ada@Northwind.example', firstName: 'Ada', jobTitle: 'Head of Marketing', company: 'Northwind', country: 'Germany', employees: 300, industry: 'Software', form: 'contact' }
  const answers = []
  for (let i = 0; i < 5; i++) answers.push(await workspace.post(PATH, submission))
  expect(answers.map(({ status, body }) => [status, body.match])).toEqual([[201, 'new'], ...Array(4).fill([200, 'existing_lead'])])
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(new Set(answers.map(({ body }) => body.receiptId)).size).toBe(5)
})
