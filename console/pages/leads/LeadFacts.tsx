import { formatField } from '#console/format.ts'
import type { LeadWhole } from '#console/pages/leads/leads.queries.ts'
import { FieldValue, type ShownValue } from '#console/ui/FieldValue.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const facts = [
  'email',
  'phone',
  'jobTitle',
  'company',
  'companyDomain',
  'country',
  'region',
  'industry',
  'employees',
] as const

/** What is known of the lead and its company; rules for score and routing go by it. */
export function LeadFacts({ lead }: { lead: LeadWhole }) {
  const values: [string, unknown][] = [
    ...facts.map((name): [string, unknown] => [name, lead[name]]),
    ...Object.entries(lead.custom),
  ]
  return (
    <Panel title="What is known" hint="Rules for score and routing go by it.">
      <dl className={text.facts}>
        {values.map(([name, value]) => (
          <div key={name}>
            <dt>{formatField(name)}</dt>
            <dd>
              <FieldValue value={value as ShownValue} />
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
