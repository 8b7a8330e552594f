import type { ThreatKind } from '#access/threats/threat.schema.ts'
import type { MeasureRow, ThreatRow } from '#console/pages/operations/operations.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const threatKinds: Readonly<Record<ThreatKind, { label: string; what: string }>> = {
  brute_force: { label: 'Guessing from one address', what: 'Many wrong passwords, codes or keys.' },
  distributed_guessing: {
    label: 'Guessing from many networks',
    what: 'Wrong passwords for one person from several networks.',
  },
  enumeration: {
    label: 'Enumeration',
    what: 'Many different records that do not exist or are not theirs to see.',
  },
  probing: { label: 'Probing', what: 'Many operations that the credential has no scope for.' },
  mass_export: { label: 'Mass export', what: 'Far more rows than usual.' },
  new_network: { label: 'New network', what: 'A key is used from a network it never worked from.' },
  leaked_key: { label: 'Leaked key', what: 'A key is used from many new networks at once.' },
  dead_key: { label: 'Dead key', what: 'A revoked or expired key is used from elsewhere.' },
  impossible_travel: {
    label: 'Impossible travel',
    what: 'A session goes back and forth between networks.',
  },
  session_replay: {
    label: 'Stolen session',
    what: 'A session is used with another kind of browser.',
  },
  token_replay: { label: 'Replayed token', what: 'A refresh token was used twice.' },
}

export const threatStates: Readonly<Record<ThreatRow['state'], { label: string; tone: Tone }>> = {
  open: { label: 'Open', tone: 'bad' },
  confirmed: { label: 'Was one', tone: 'warn' },
  dismissed: { label: 'Was none', tone: 'plain' },
}

export const measureKinds: Readonly<Record<MeasureRow['kind'], string>> = {
  clamp: 'Slowed down',
  quarantine: 'Quarantined',
  block: 'Blocked',
  sign_out: 'Signed out',
}
