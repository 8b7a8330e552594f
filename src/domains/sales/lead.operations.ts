import { defineOperation } from '#gateway/operation.ts'
import { captureLeads } from './capture-leads.ts'
import { CapturedLead, NewLead } from './lead.schema.ts'

export const captureLead = defineOperation({
  id: 'captureLead',
  method: 'POST',
  path: '/api/v1/integrations/sales/leads',
  scope: 'leads:write',
  tag: 'Leads',
  summary: 'Send in a lead',
  description:
    'Finds or makes the person and the one lead, scores it, gives it an owner and plans the follow-up. Each submission is ' +
    'kept as a receipt; a repeated one answers the same lead with 200. What sales should know is told as warnings.',
  status: 201,
  subject: (lead) => lead.id,
  location: (lead) => `/api/v1/leads/${lead.id}`,
  input: NewLead,
  output: CapturedLead,
  batch: { key: 'leads', max: 500 },
  performMany: (inputs, context) => captureLeads(inputs, context),
})
