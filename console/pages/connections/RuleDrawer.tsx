import { Drawer, Skeleton } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { useState } from 'react'
import { BackfillPanel } from '#console/pages/connections/BackfillPanel.tsx'
import { draftFor, draftOf } from '#console/pages/connections/draft.ts'
import type {
  Draft,
  Mapping,
  Mappings,
  StreamPlace,
  VendorField,
} from '#console/pages/connections/mapping.queries.ts'
import type { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import { PreviewTable } from '#console/pages/connections/PreviewTable.tsx'
import { RuleActions } from '#console/pages/connections/RuleActions.tsx'
import { RuleForm } from '#console/pages/connections/RuleForm.tsx'
import { RehearsalResult } from '#console/pages/conflicts/RehearsalResult.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Connections.module.css'

/** As far back as the rehearsal looks: a quarter. */
const DAYS = '92'

/** One field: its rule, what the rule would have changed, what it makes of records now, and filling those that exist. */
export function RuleDrawer({
  place,
  name,
  mappings,
  mapping,
  wanted,
  vendorFields,
  onOpen,
}: {
  place: StreamPlace
  name: string
  mappings: Mappings
  /** Null: not mapped yet. */
  mapping: Mapping | null
  wanted: MappingSearch
  vendorFields: UseQueryResult<VendorField[]>
  onOpen: (search: MappingSearch) => void
}) {
  const close = () => onOpen({})
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={820}
      title={mapping ? `${mapping.label} and ${name}` : `Map a field of ${name}`}
      closeButtonProps={{ 'aria-label': 'Close the mapping' }}
      transitionProps={{ duration: 150 }}
    >
      {vendorFields.isError && <Problem error={vendorFields.error} />}
      {vendorFields.isPending && <Skeleton height={280} />}
      {vendorFields.data && (
        <Opened
          place={place}
          name={name}
          mappings={mappings}
          mapping={mapping}
          property={vendorFields.data.find((one) => one.name === wanted.property) ?? null}
          vendorFields={vendorFields.data}
          onOpen={onOpen}
        />
      )}
    </Drawer>
  )
}

function Opened({
  place,
  name,
  mappings,
  mapping,
  property,
  vendorFields,
  onOpen,
}: {
  place: StreamPlace
  name: string
  mappings: Mappings
  mapping: Mapping | null
  property: VendorField | null
  vendorFields: readonly VendorField[]
  onOpen: (search: MappingSearch) => void
}) {
  const { can } = useSession()
  const start = mapping ? draftOf(mapping) : property && draftFor(property)
  const [draft, setDraft] = useState<Draft | null>(start)
  if (draft === null)
    return (
      <EmptyState title="There is no such field">
        {name} has it not, or not any more. It may have been renamed there.
      </EmptyState>
    )
  const { field, policy, direction } = draft
  return (
    <div className={text.form}>
      <RuleForm
        name={name}
        mapping={mapping}
        mappings={mappings}
        vendorFields={vendorFields}
        draft={draft}
        onChange={setDraft}
      />
      <RuleActions place={place} mapping={mapping} draft={draft} onOpen={onOpen} />
      <section className={classes.section} aria-label="Live preview">
        <h3 className={classes.sectionTitle}>What it makes of records now</h3>
        {can('conflicts:read') ? (
          <PreviewTable place={place} name={name} mapping={mapping} draft={draft} />
        ) : (
          <LockedNote what="The preview" scope="conflicts:read" />
        )}
      </section>
      {mapping && (
        <section className={classes.section} aria-label="Rehearsal">
          <h3 className={classes.sectionTitle}>What it would have changed last quarter</h3>
          {can('conflicts:read') ? (
            <RehearsalResult rule={{ ...place, field, policy, direction, days: DAYS }} />
          ) : (
            <LockedNote what="The rehearsal" scope="conflicts:read" />
          )}
        </section>
      )}
      {mapping && <BackfillPanel place={place} name={name} mapping={mapping} />}
    </div>
  )
}
