import { Modal } from '@mantine/core'
import { useMantineColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState, type KeyboardEvent } from 'react'
import { campaignNamesQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { useSession } from '#console/session.ts'
import { rail } from '#console/ui/rail-items.ts'
import classes from './Palette.module.css'

interface Command {
  id: string
  label: string
  hint: string
  run(): void
}

const SHOWN = 12

/** Pages, campaigns and commands by typing a part of their names. */
export function Palette(props: { opened: boolean; onClose(): void; onHelp(): void }) {
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

function Search({ onClose, onHelp }: { onClose(): void; onHelp(): void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const listId = useId()
  const words = text.toLowerCase().split(/\s+/)
  const found = useCommands(onHelp)
    .filter(({ label, hint }) => {
      const name = `${label} ${hint}`.toLowerCase()
      return words.every((word) => name.includes(word))
    })
    .slice(0, SHOWN)
  const active = found[Math.min(at, found.length - 1)]
  const choose = (command: Command) => {
    onClose()
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && found.length > 0) {
      event.preventDefault()
      setAt((Math.min(at, found.length - 1) + step + found.length) % found.length)
    }
    if (event.key === 'Enter' && active) {
      event.preventDefault()
      choose(active)
    }
  }
  return (
    <>
      <input
        className={classes.input}
        role="combobox"
        aria-label="Go to a page, a campaign or a command"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={active ? `${listId}-${active.id}` : undefined}
        placeholder="Go to a page, a campaign or a command"
        data-autofocus
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={listId} role="listbox" aria-label="Matches" className={classes.list}>
        {found.map((command) => (
          <li
            key={command.id}
            id={`${listId}-${command.id}`}
            role="option"
            aria-selected={command === active}
            className={classes.option}
            onMouseMove={() => setAt(found.indexOf(command))}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(command)}
          >
            <span>{command.label}</span>
            <span className={classes.hint}>{command.hint}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={classes.none}>Nothing is called so.</p>}
    </>
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
  return [
    ...pages,
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
