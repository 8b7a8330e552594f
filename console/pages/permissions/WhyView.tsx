import { Autocomplete, Button, Select, Skeleton, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  scopesQuery,
  teamsQuery,
  whyQuery,
  type Question,
} from '#console/pages/permissions/access.queries.ts'
import type { AccessSearch } from '#console/pages/permissions/access.search.ts'
import { Answer } from '#console/pages/permissions/Answer.tsx'
import { PrincipalInput } from '#console/pages/permissions/PrincipalInput.tsx'
import { usePrincipals } from '#console/pages/permissions/principals.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

/** “Why can X see this?”: asked of the same evaluator that stands at the gate. The question stands in the address. */
export function WhyView({
  search: { principal, scope, record, team },
  onChange,
}: {
  search: AccessSearch
  onChange: (fields: Partial<AccessSearch>) => void
}) {
  return (
    <>
      <Panel
        title="Why can X see this?"
        hint="The same rule that stands at the gate answers, with everything that it looked at."
      >
        <Form
          key={[principal, scope, record, team].join(' ')}
          initial={{ principal: principal ?? '', scope: scope ?? '', record, team }}
          onAsk={onChange}
        />
      </Panel>
      {principal === undefined || scope === undefined ? (
        <EmptyState title="Nothing is asked yet">
          Name somebody and a scope; with a record, rights and denials at it and at its team count
          too.
        </EmptyState>
      ) : (
        <Asked question={{ principal, scope, record, team }} />
      )}
    </>
  )
}

function Form({
  initial,
  onAsk,
}: {
  initial: Question
  onAsk: (question: Partial<AccessSearch>) => void
}) {
  const [fields, setFields] = useState(initial)
  const principals = usePrincipals()
  const scopes = useQuery(scopesQuery)
  const teams = useQuery(teamsQuery)
  const { principal, scope, record, team } = fields
  return (
    <form
      className={text.form}
      onSubmit={(event) => {
        event.preventDefault()
        onAsk({
          principal: principal.trim(),
          scope: scope.trim(),
          record: record?.trim() || undefined,
          team,
        })
      }}
    >
      <NotRead what="Scopes and teams" error={scopes.error ?? teams.error} />
      <div className={text.fields}>
        <PrincipalInput
          label="Who"
          description="A person, key or client, by name or id"
          principals={principals}
          value={principal}
          onChange={(value) => setFields({ ...fields, principal: value })}
        />
        <Autocomplete
          label="Scope"
          description="What they would do"
          required
          maxLength={60}
          limit={100}
          maxDropdownHeight={220}
          data={(scopes.data ?? []).map(({ name }) => name)}
          value={scope}
          onChange={(value) => setFields({ ...fields, scope: value })}
        />
        <TextInput
          label="Record"
          description="Its id; blank: in general"
          maxLength={64}
          value={record ?? ''}
          onChange={(event) => setFields({ ...fields, record: event.currentTarget.value })}
        />
        <Select
          label="Team"
          description="That the record belongs to"
          clearable
          data={(teams.data ?? []).map(({ name }) => name)}
          value={team ?? null}
          onChange={(value) => setFields({ ...fields, team: value ?? undefined })}
        />
      </div>
      <div>
        <Button type="submit" size="sm" disabled={principal.trim() === '' || scope.trim() === ''}>
          Ask
        </Button>
      </div>
    </form>
  )
}

function Asked({ question }: { question: Question }) {
  const why = useQuery(whyQuery(question))
  if (why.isError) return <Problem error={why.error} />
  if (!why.data) return <Skeleton height={280} />
  return <Answer why={why.data} />
}
