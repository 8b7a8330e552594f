import { Button, Drawer, Group, Skeleton } from '@mantine/core'
import { IconArrowsExchange } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { DismissDialog } from '#console/pages/people/DismissDialog.tsx'
import { MergeButton } from '#console/pages/people/MergeButton.tsx'
import { MergePreview } from '#console/pages/people/MergePreview.tsx'
import { describeLikeness } from '#console/pages/people/people-words.ts'
import {
  pairsOfQuery,
  personQuery,
  previewQuery,
  type PersonWhole,
} from '#console/pages/people/people.queries.ts'
import { PersonLink } from '#console/pages/people/PersonName.tsx'
import { useSession } from '#console/session.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import text from '#console/ui/Text.module.css'
import classes from './People.module.css'

interface PairDrawerProps {
  one: string | undefined
  other: string | undefined
  onSwap: () => void
  onClose: () => void
}

/** Two people side by side, with what a merge would give before it is made. */
export function PairDrawer({ one, other, ...acts }: PairDrawerProps) {
  const isOpen = one !== undefined && other !== undefined
  return (
    <Drawer
      opened={isOpen}
      onClose={acts.onClose}
      position="right"
      size={980}
      title="Are they one?"
      closeButtonProps={{ 'aria-label': 'Close the pair' }}
      transitionProps={{ duration: 150 }}
    >
      {isOpen && <Compared one={one} other={other} {...acts} />}
    </Drawer>
  )
}

function Compared({
  one,
  other,
  onSwap,
  onClose,
}: PairDrawerProps & { one: string; other: string }) {
  const { can } = useSession()
  const stays = useQuery(personQuery(one))
  const goes = useQuery(personQuery(other))
  const preview = useQuery(previewQuery(one, other))
  const pairs = useQuery(pairsOfQuery(one))
  const [dismissing, setDismissing] = useState<readonly string[]>([])
  const error = stays.error ?? goes.error ?? preview.error ?? pairs.error
  if (error !== null) return <Problem error={error} />
  if (!stays.data || !goes.data || !preview.data) return <Skeleton height={420} />
  const pair = pairs.data?.find(
    ({ personId, otherPersonId }) => personId === other || otherPersonId === other,
  )
  const mayWrite = can('people:write')
  return (
    <div className={text.form}>
      <div className={classes.sides}>
        <Side title="Stays" person={stays.data} />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowsExchange size={15} aria-hidden />}
          onClick={onSwap}
        >
          Swap
        </Button>
        <Side title="Goes in" person={goes.data} />
      </div>
      {pair && (
        <p className={text.text}>
          {describeLikeness(pair.reasons)}: confidence {pair.confidence.toFixed(2)}.
        </p>
      )}
      <MergePreview preview={preview.data} />
      <Group justify="flex-end" gap="xs" className={classes.acts ?? ''}>
        {pair && mayWrite && (
          <Button variant="default" onClick={() => setDismissing([pair.id])}>
            Not the same…
          </Button>
        )}
        <MergeButton
          stays={stays.data}
          goes={goes.data}
          preview={preview.data}
          isPermitted={mayWrite}
          onDone={onClose}
        />
      </Group>
      <DismissDialog ids={dismissing} onClose={() => setDismissing([])} onDone={onClose} />
    </div>
  )
}

function Side({ title, person }: { title: string; person: PersonWhole }) {
  return (
    <div className={classes.side}>
      <span className={text.soft}>{title}</span>
      <div>
        <PersonLink person={person} />
      </div>
    </div>
  )
}
