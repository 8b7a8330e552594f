import { ActionIcon, TextInput } from '@mantine/core'
import { IconSearch, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useSession } from '#console/session.ts'
import { Permitted } from '#console/ui/Permitted.tsx'

const REVEAL = 'people:reveal'

/** Looks for one exact address: what is kept is a keyed hash of it, so that a part of one finds nobody. */
export function EmailSearch({
  value,
  onSearch,
}: {
  value: string | undefined
  onSearch: (email: string | undefined) => void
}) {
  const { can } = useSession()
  const [text, setText] = useState(value ?? '')
  const isPermitted = can(REVEAL)
  return (
    <search>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onSearch(text.trim() || undefined)
        }}
      >
        <Permitted isPermitted={isPermitted} scope={REVEAL}>
          <TextInput
            size="xs"
            type="email"
            w={270}
            aria-label="Look for an e-mail address"
            placeholder="Whole e-mail address"
            disabled={!isPermitted}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            leftSection={<IconSearch size={14} aria-hidden />}
            rightSection={
              value !== undefined && (
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color="gray"
                  aria-label="Stop looking for the address"
                  onClick={() => {
                    setText('')
                    onSearch(undefined)
                  }}
                >
                  <IconX size={13} aria-hidden />
                </ActionIcon>
              )
            }
          />
        </Permitted>
      </form>
    </search>
  )
}
