import { Combobox, Modal, useCombobox, useMantineColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { campaignNamesQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { useSession } from '#console/session.ts'
import { rail } from '#console/ui/rail-items.ts'
import classes from './Palette.module.css'

interface Command {
  id: string
  label: string
  hint: string
  run: () => void
}

const SHOWN = 12

/** Pages, campaigns and commands by typing a part of their names. */
export function Palette(props: { opened: boolean; onClose: () => void; onHelp: () => void }) {
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      withCloseButton={false}
      padding={0}
      size={560}
      yOffset="12vh"
      attributes={{ content: { 'aria-label': 'Go to a page or run a command' } }}
    >
      {props.opened && <Search {...props} />}
    </Modal>
  )
}

function Search({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState('')
  const combobox = useCombobox({ opened: true, onDropdownClose: onClose })
  const words = text.toLowerCase().split(' ')
  const found = useCommands(onHelp)
    .filter(({ label, hint }) => {
      const name = `${label} ${hint}`.toLowerCase()
      return words.every((word) => name.includes(word))
    })
    .slice(0, SHOWN)
  useEffect(() => {
    combobox.selectFirstOption()
    // The store is another object at each render; what it holds is not.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [text])
  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(id) => {
        onClose()
        found.find((command) => command.id === id)?.run()
      }}
    >
      <Combobox.EventsTarget withExpandedAttribute>
        <input
          className={classes.input}
          aria-label="Go to a page, a campaign or a command"
          placeholder="Go to a page, a campaign or a command"
          data-autofocus
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </Combobox.EventsTarget>
      <Combobox.Options className={classes.list ?? ''} aria-label="Matches">
        {found.map(({ id, label, hint }) => (
          <Combobox.Option key={id} value={id} className={classes.option ?? ''}>
            <span>{label}</span>
            <span className={classes.hint}>{hint}</span>
          </Combobox.Option>
        ))}
        {found.length === 0 && <Combobox.Empty>Nothing is called so.</Combobox.Empty>}
      </Combobox.Options>
    </Combobox>
  )
}

function useCommands(onHelp: () => void): Command[] {
  const navigate = useNavigate()
  const { can } = useSession()
  const { setColorScheme } = useMantineColorScheme()
  const campaigns = useQuery({ ...campaignNamesQuery, enabled: can('attribution:read') })
  const pages = rail.flatMap((group) =>
    group.items.map(({ label, to, keys }) => ({
      id: `page${to.replaceAll('/', '-')}`,
      label,
      hint: keys,
      run: () => void navigate({ to }),
    })),
  )
  const scheme = (value: 'light' | 'dark' | 'auto', label: string) => ({
    id: `scheme-${value}`,
    label,
    hint: 'Theme',
    run: () => setColorScheme(value),
  })
  const unread: Command[] = campaigns.isError
    ? [
        {
          id: 'campaigns-unread',
          label: 'Campaigns could not be read: try again',
          hint: 'Campaign',
          run: () => void campaigns.refetch(),
        },
      ]
    : []
  return [
    ...pages,
    ...unread,
    ...(campaigns.data ?? []).map(({ campaignId, name }) => ({
      id: campaignId,
      label: name,
      hint: 'Campaign',
      run: () => void navigate({ to: '/campaigns/$campaignId', params: { campaignId } }),
    })),
    scheme('light', 'Light theme'),
    scheme('dark', 'Dark theme'),
    scheme('auto', 'Theme of the system'),
    { id: 'help', label: 'Keyboard help', hint: '?', run: onHelp },
    {
      id: 'docs',
      label: 'API documentation',
      hint: '/docs',
      run: () => window.location.assign('/docs'),
    },
  ]
}
