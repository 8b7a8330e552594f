import { Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconSend } from '@tabler/icons-react'
import type { Channel } from '#alerts/channel.schema.ts'
import {
  deleteChannel,
  retryChannel,
  setChannelState,
  testChannel,
} from '#console/pages/alerts/alerts.queries.ts'
import { Permitted } from '#console/ui/Permitted.tsx'
import { formatCount } from '#console/format.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** What can be done with a channel: try it, send again what was given up, switch it, delete it. */
export function ChannelActions({ channel }: { channel: Channel }) {
  const { can } = useSession()
  const [isDeleting, deleting] = useDisclosure()
  const change = useChange('alerts')
  const { id, name, state, failed } = channel
  const mayWrite = can('alerts:write')
  const isOff = state === 'disabled'
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <Permitted isPermitted={mayWrite} scope="alerts:write">
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          leftSection={<IconSend size={14} />}
          disabled={!mayWrite || isOff}
          loading={change.isBusy}
          onClick={() =>
            change.run(() => testChannel(id), `A test goes to ${name} within seconds.`)
          }
          aria-label={`Send a test to ${name}`}
        >
          Test
        </Button>
      </Permitted>
      {mayWrite && failed > 0 && (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          disabled={isOff}
          onClick={() =>
            change.run(
              () => retryChannel(id),
              (count) => `${formatCount(count)} messages are sent again.`,
            )
          }
          aria-label={`Send ${failed} messages to ${name} again`}
        >
          Retry {formatCount(failed)}
        </Button>
      )}
      {mayWrite && (
        <>
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            onClick={() =>
              change.run(
                () => setChannelState(id, isOff ? 'enabled' : 'disabled'),
                isOff ? `${name} is told again.` : `${name} is told nothing new.`,
              )
            }
            aria-label={`${isOff ? 'Switch on' : 'Switch off'} ${name}`}
          >
            {isOff ? 'On' : 'Off'}
          </Button>
          <Button
            size="xs"
            variant="subtle"
            color="red"
            onClick={deleting.open}
            aria-label={`Delete ${name}`}
          >
            Delete…
          </Button>
        </>
      )}
      <ConfirmDialog
        opened={isDeleting}
        onClose={deleting.close}
        title={`Delete ${name}`}
        confirm="Delete the channel"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => deleteChannel(id), 'The channel is deleted.', deleting.close)
        }
      >
        <p className={text.text}>It goes with what it is still owed. Alerts themselves are kept.</p>
      </ConfirmDialog>
      {change.dialog}
    </Group>
  )
}
