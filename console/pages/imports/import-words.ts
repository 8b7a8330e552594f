import type { DateFormatName, Import, ImportState } from '#imports/import.schema.ts'
import type { z } from 'zod'
import type { Tone } from '#console/ui/Badge.tsx'

export const importStates: Readonly<Record<ImportState, { label: string; tone: Tone }>> = {
  uploaded: { label: 'To be started', tone: 'info' },
  queued: { label: 'Queued', tone: 'busy' },
  running: { label: 'Running', tone: 'busy' },
  done: { label: 'Done', tone: 'good' },
  failed: { label: 'Failed', tone: 'bad' },
  cancelled: { label: 'Cancelled', tone: 'plain' },
}

export const delimiters: Readonly<Record<Import['dialect']['delimiter'], string>> = {
  ',': 'Comma',
  ';': 'Semicolon',
  '\t': 'Tab',
  '|': 'Bar',
}

export const dateFormats: Readonly<Record<z.output<typeof DateFormatName>, string>> = {
  iso: 'Year first: 2026-11-23',
  named: 'Month by name: 23 Nov 2026',
  'day-first': 'Day first: 23/11/2026',
  'month-first': 'Month first: 11/23/2026',
  'epoch-seconds': 'Seconds since 1970',
  'epoch-milliseconds': 'Milliseconds since 1970',
  'excel-serial': 'Days as Excel counts',
}

const KIB = 1024

/** `512 B`, `1.4 MB`; a megabyte is 1024 kilobytes, as limits count. */
export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < KIB) return `${sizeBytes} B`
  const kilobytes = sizeBytes / KIB
  if (kilobytes < KIB) return `${kilobytes.toFixed(kilobytes < 10 ? 1 : 0)} KB`
  const megabytes = kilobytes / KIB
  return `${megabytes.toFixed(megabytes < 10 && megabytes % 1 !== 0 ? 1 : 0)} MB`
}
