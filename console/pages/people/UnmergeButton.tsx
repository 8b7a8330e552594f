import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { formatCount } from '#console/format.ts'
import { AREA, undoMerge, type MergeRow } from '#console/pages/people/people.queries.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const SCOPE = 'people:write'

const records: readonly { name: keyof MergeRow['moved']; one: string; more: string }[] = [
  { name: 'touchpoints', one: 'touch', more: 'touches' },
  { name: 'identities', one: 'identifier', more: 'identifiers' },
  { name: 'consents', one: 'record of consent', more: 'records of consent' },
  { name: 'leads', one: 'lead', more: 'leads' },
  { name: 'opportunities', one: 'deal', more: 'deals' },
]

/** What moves with a person, in words. */
export function describeMoved(moved: MergeRow['moved']): string {
  const parts = records
    .filter(({ name }) => moved[name] > 0)
    .map(({ name, one, more }) => `${formatCount(moved[name])} ${moved[name] === 1 ? one : more}`)
  return parts.length === 0 ? 'No records' : parts.join(', ')
}

/** Taking a merge off again, once it is said what comes back. */
export function UnmergeButton({ merge }: { merge: MergeRow }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const isPermitted = can(SCOPE)
  const [from, into] = [nameOf(merge.from), nameOf(merge.into)]
  return (
    <>
      <Permitted isPermitted={isPermitted} scope={SCOPE}>
        <Button
          size="xs"
          variant="default"
          disabled={!isPermitted}
          aria-label={`Undo the merge of ${from} into ${into}`}
          onClick={dialog.open}
        >
          Undo…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Undo the merge"
        confirm="Make them two again"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            () => undoMerge(merge.id),
            `${from} and ${into} are two people again.`,
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          {from} gets back: {describeMoved(merge.moved).toLowerCase()}, and the values that were set
          aside. {into} keeps their own.
        </p>
        <p className={text.text}>
          What came since the merge stays with the one that it names; what names neither stays with{' '}
          {into}. Of consents each has again what they said themselves. The pair is offered again as
          possibly one.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
