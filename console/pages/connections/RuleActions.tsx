import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { AREA } from '#console/pages/connections/connections.queries.ts'
import { lackOf } from '#console/pages/connections/draft.ts'
import {
  mappingsQuery,
  removeMapping,
  saveMapping,
  type Draft,
  type Mapping,
  type StreamPlace,
} from '#console/pages/connections/mapping.queries.ts'
import type { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Keeping a rule, and taking away what the workspace made. */
export function RuleActions({
  place,
  mapping,
  draft,
  onOpen,
}: {
  place: StreamPlace
  mapping: Mapping | null
  draft: Draft
  onOpen: (search: MappingSearch) => void
}) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const client = useQueryClient()
  const save = useChange(AREA)
  const remove = useChange(AREA)
  const may = can('connections:write')
  const lack = lackOf(draft, mapping)
  const own = mapping !== null && mapping.version > 0 ? mapping : null
  return (
    <div className={text.row}>
      <Permitted isPermitted={may} scope="connections:write">
        <Button
          size="xs"
          disabled={!may || lack !== null}
          loading={save.isBusy}
          onClick={() =>
            save.run(
              async () => {
                await saveMapping(place, draft)
                // The drawer then opens on the mapping as it is kept.
                await client.refetchQueries(mappingsQuery(place))
              },
              `${draft.field} is mapped so from the next run on, once every domain has signed.`,
              () => onOpen({ field: draft.field }),
            )
          }
        >
          Keep this rule
        </Button>
      </Permitted>
      {own && (
        <Permitted isPermitted={may} scope="connections:write">
          <Button size="xs" variant="subtle" color="gray" disabled={!may} onClick={dialog.open}>
            {own.isCustom ? 'Remove the mapping…' : 'Back to the connector’s own…'}
          </Button>
        </Permitted>
      )}
      {lack !== null && <span className={text.soft}>{lack}</span>}
      {own && (
        <ConfirmDialog
          opened={isOpen}
          onClose={dialog.close}
          title={
            own.isCustom ? `Remove the mapping of ${own.label}` : `The connector’s own ${own.label}`
          }
          confirm={own.isCustom ? 'Remove the mapping' : 'Take the connector’s own'}
          isGrave={own.isCustom}
          isBusy={remove.isBusy}
          onConfirm={() =>
            remove.run(
              () => removeMapping(place, own.field),
              own.isCustom
                ? `${own.field} is not mapped any more.`
                : `${own.label} is as the connector brings it.`,
              () => {
                dialog.close()
                onOpen({})
              },
            )
          }
        >
          <p className={text.text}>
            {own.isCustom
              ? 'It neither comes in nor goes out any more. Values that are here and there stay.'
              : 'The property, direction and rule are those of the connector again. Values stay.'}
          </p>
        </ConfirmDialog>
      )}
      {save.dialog}
      {remove.dialog}
    </div>
  )
}
