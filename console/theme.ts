import {
  createTheme,
  Notification,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core'

const iris: MantineColorsTuple = [
  '#eef0fd',
  '#dbdffa',
  '#c3c8f3',
  '#9aa4ff',
  '#8490f5',
  '#5b67d8',
  '#4350c8',
  '#3944ad',
  '#2f3890',
  '#252c73',
]

export const theme = createTheme({
  primaryColor: 'iris',
  // White on either has a contrast above 4.5 (WCAG 2.2, 1.4.3).
  primaryShade: { light: 6, dark: 5 },
  colors: { iris },
  autoContrast: true,
  luminanceThreshold: 0.32,
  fontFamily: 'var(--tl-font)',
  fontFamilyMonospace: 'var(--tl-mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.5' },
  headings: { fontFamily: 'var(--tl-font)', fontWeight: '600' },
  defaultRadius: 'md',
  radius: { sm: '5px', md: '7px', lg: '10px' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  focusRing: 'auto',
  components: {
    Notification: Notification.extend({
      defaultProps: { closeButtonProps: { 'aria-label': 'Close the message' } },
    }),
  },
})

/** The component library takes its colours from our tokens, so that a scheme is one set of values. */
export const resolveVariables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--tl-page)',
    '--mantine-color-text': 'var(--tl-text)',
    '--mantine-color-dimmed': 'var(--tl-text-3)',
    '--mantine-color-placeholder': 'var(--tl-text-3)',
    '--mantine-color-default': 'var(--tl-surface)',
    '--mantine-color-default-hover': 'var(--tl-hover)',
    '--mantine-color-default-color': 'var(--tl-text)',
    '--mantine-color-default-border': 'var(--tl-line-strong)',
    '--mantine-color-anchor': 'var(--tl-accent)',
    '--mantine-color-error': 'var(--tl-bad)',
  }
  return { variables: {}, light: shared, dark: shared }
}
