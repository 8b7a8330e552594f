import { Button, Skeleton, TextInput } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { formatCount, formatWord } from '#console/format.ts'
import { findFree } from '#console/pages/connections/draft.ts'
import type { Mappings, VendorField } from '#console/pages/connections/mapping.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Connections.module.css'

/** Shown at once: more are found by their name. */
const SHOWN = 25

/** Fields of the CRM that nothing is mapped to: the customer's own first. */
export function FreeFields({
  name,
  query,
  mappings,
}: {
  name: string
  query: UseQueryResult<VendorField[]>
  mappings: Mappings
}) {
  const [sought, setSought] = useState('')
  const free = findFree(query.data ?? [], mappings)
  const words = sought.trim().toLowerCase()
  const found = free.filter((one) => `${one.label} ${one.name}`.toLowerCase().includes(words))
  return (
    <Panel
      title={`Fields of ${name} that go nowhere yet`}
      hint="Asked of the system at one call. Your own fields stand first."
      flush
      actions={
        <TextInput
          size="xs"
          placeholder="Find a field"
          aria-label="Find a field"
          value={sought}
          onChange={(event) => setSought(event.currentTarget.value)}
        />
      }
    >
      {query.isError && <Problem error={query.error} />}
      {query.isPending && <Skeleton height={180} m={18} w="auto" />}
      {query.data && (
        <>
          <Table
            caption="Fields that are not mapped"
            rows={found.slice(0, SHOWN)}
            columns={columns}
            rowKey={(field) => field.name}
            empty={
              words === '' ? (
                <EmptyState title="Every field is mapped" />
              ) : (
                <EmptyState title={`No field is called ${sought.trim()}`}>
                  Fields that are mapped already stand above.
                </EmptyState>
              )
            }
          />
          {found.length > SHOWN && (
            <p className={`${text.soft} ${text.pad}`} aria-live="polite">
              {formatCount(SHOWN)} of {formatCount(found.length)}: find others by their name.
            </p>
          )}
        </>
      )}
    </Panel>
  )
}

const columns: Column<VendorField>[] = [
  {
    title: 'Field',
    isHeader: true,
    cell: ({ label, name }) => (
      <span className={classes.cell}>
        <span>{label}</span>
        <span className={classes.name}>{name}</span>
      </span>
    ),
  },
  { title: 'Type', cell: ({ type }) => formatWord(type) },
  {
    title: 'Kind',
    cell: ({ custom, writable, unique }) => (
      <span className={classes.badges}>
        {custom && <Badge tone="info">Your own</Badge>}
        {!writable && <Badge tone="plain">Read only</Badge>}
        {unique && <Badge tone="plain">Unique</Badge>}
      </span>
    ),
  },
  {
    title: 'Map',
    align: 'end',
    cell: ({ name, label }) => (
      <Button
        size="xs"
        variant="default"
        aria-label={`Map ${label}`}
        renderRoot={(props) => (
          <Link
            {...props}
            from="/connections/$connectionId/streams/$stream"
            search={{ property: name }}
            resetScroll={false}
          />
        )}
      >
        Map…
      </Button>
    ),
  },
]
