import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { Permitted } from '#console/ui/Permitted.tsx'
import {
  approveRequest,
  AREA,
  heldDataPath,
  refuseRequest,
  type Kind,
  type RequestDetail,
} from '#console/pages/privacy/privacy.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** The approval of a second person, and the file that an approved request for access gives. */
export function RequestDecision({ request }: { request: RequestDetail }) {
  const { kind, state } = request
  if (state === 'received') return <Decide request={request} />
  if (kind !== 'access' || state !== 'approved') return null
  return (
    <Panel title="What is held of the person">
      <p className={text.text}>
        The file has personal data in clear. Who opens it is noted in the access log.
      </p>
      <Button
        component="a"
        href={heldDataPath(request.id)}
        download={`${request.id}.json`}
        size="xs"
        mt={10}
      >
        Download the file
      </Button>
    </Panel>
  )
}

interface DecisionWords {
  hint: string
  title: string
  confirm: string
  done: string
  what: string
}

const decisionWords: Readonly<Record<Kind, DecisionWords>> = {
  access: {
    hint: 'With the approval the file can be read.',
    title: 'Approve the request',
    confirm: 'Approve',
    done: 'Approved: the file can be read.',
    what: 'All that is held of the person can be downloaded here from then on.',
  },
  rectification: {
    hint: 'A correction is written here at once and goes to connected systems with the next sync.',
    title: 'Put it right',
    confirm: 'Put it right',
    done: 'Put right here. Receipts of connected systems come in below.',
    what: 'The values below replace those that are held, here at once and in connected systems as their fields are mapped. What stood before is kept sealed with this request.',
  },
  erasure: {
    hint: 'An erasure is carried out at once, here and in every connected system, and cannot be undone.',
    title: 'Erase the person',
    confirm: 'Erase for good',
    done: 'Erased here. Receipts of connected systems come in below.',
    what: 'Their identities, touches, leads and what else is personal are erased here at once and in connected systems with the next run. Figures keep their amounts without the person. It cannot be undone.',
  },
}

function Decide({ request: { id, kind, requestedBy } }: { request: RequestDetail }) {
  const { can, principal } = useSession()
  const [asked, setAsked] = useState<'approve' | 'refuse' | null>(null)
  const change = useChange(AREA)
  const may = can('privacy:approve')
  const isErasure = kind === 'erasure'
  const words = decisionWords[kind]
  const needsAnother = kind !== 'access' && requestedBy === principal.id
  const close = () => setAsked(null)
  return (
    <Panel
      title="Approval"
      hint={
        needsAnother
          ? 'You took this request: it has to be approved by another person.'
          : words.hint
      }
      actions={
        <Group gap="xs">
          <Permitted isPermitted={may} scope="privacy:approve">
            <Button size="xs" variant="default" disabled={!may} onClick={() => setAsked('refuse')}>
              Refuse…
            </Button>
          </Permitted>
          <Permitted isPermitted={may} scope="privacy:approve">
            <Button size="xs" disabled={!may || needsAnother} onClick={() => setAsked('approve')}>
              Approve…
            </Button>
          </Permitted>
        </Group>
      }
    >
      <ConfirmDialog
        opened={asked === 'approve'}
        onClose={close}
        title={words.title}
        confirm={words.confirm}
        isGrave={isErasure}
        isBusy={change.isBusy}
        onConfirm={() => change.run(() => approveRequest(id), words.done, close)}
      >
        <p className={text.text}>{words.what}</p>
      </ConfirmDialog>
      <ConfirmDialog
        opened={asked === 'refuse'}
        onClose={close}
        title="Refuse the request"
        confirm="Refuse"
        reason={{
          label: 'Reason',
          description: 'Kept with the request. No personal data.',
          required: true,
        }}
        isBusy={change.isBusy}
        onConfirm={(reason) =>
          change.run(() => refuseRequest(id, reason), 'The request is refused.', close)
        }
      >
        <p className={text.text}>The person has to be told why, and that they can complain.</p>
      </ConfirmDialog>
      {change.dialog}
    </Panel>
  )
}
