import { Kbd, Modal, Switch } from '@mantine/core'
import { useShortcutsSwitch } from '#console/ui/keyboard.ts'
import { modKey } from '#console/ui/Rail.tsx'
import { rail } from '#console/ui/rail-items.ts'
import classes from './KeyboardHelp.module.css'

const onPages = [
  { keys: 'j', label: 'Next row' },
  { keys: 'k', label: 'Previous row' },
  { keys: 'Enter', label: 'Open the row' },
  { keys: 'Esc', label: 'Close the drawer or dialog' },
  {
    keys: 'r',
    label: 'Sync health: retry the focused error group. Leads: reject the focused lead',
  },
  { keys: 'x', label: 'Leads, Conflicts, Identity: select the focused row' },
  { keys: 'e', label: 'Conflicts, Leads: assign the focused row' },
  { keys: 'a', label: 'Leads: accept the focused lead' },
  { keys: 'd', label: 'Identity: say that the focused pair is not the same' },
]

/** Every shortcut, and the switch that turns single keys off. */
export function KeyboardHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [isOn, setOn] = useShortcutsSwitch()
  const goTo = rail.flatMap(({ items }) =>
    items.map(({ keys, label }) => ({ keys, label: `Go to ${label}` })),
  )
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Keyboard"
      size="md"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <table className={classes.table}>
        <caption className="tl-hidden">Keyboard shortcuts</caption>
        <tbody>
          <Row keys={`${modKey()} K`} label="Go to a page or run a command" />
          <Row keys="?" label="This help" />
          {[...goTo, ...onPages].map((row) => (
            <Row key={row.keys} {...row} />
          ))}
        </tbody>
      </table>
      <Switch
        className={classes.switch ?? ''}
        label="Single-key shortcuts"
        description="Turn them off when speech input or another tool sets them off."
        checked={isOn}
        onChange={(event) => setOn(event.currentTarget.checked)}
      />
    </Modal>
  )
}

function Row({ keys, label }: { keys: string; label: string }) {
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>
        {keys.split(' ').map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </td>
    </tr>
  )
}
