import { SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react'

const schemes = [
  { value: 'light', label: 'Light theme', icon: IconSun },
  { value: 'dark', label: 'Dark theme', icon: IconMoon },
  { value: 'auto', label: 'Theme of the system', icon: IconDeviceDesktop },
] as const

/** Light, dark, or as the system has it; kept on this device. */
export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      size="xs"
      aria-label="Theme"
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={schemes.map(({ value, label, icon: Icon }) => ({
        value,
        label: (
          <span title={label}>
            <Icon size={15} stroke={1.7} style={{ display: 'block' }} aria-hidden />
            <span className="tl-hidden">{label}</span>
          </span>
        ),
      }))}
    />
  )
}
