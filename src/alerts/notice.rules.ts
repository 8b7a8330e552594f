import type { Severity } from './watch.ts'

/** What is told, before it takes a channel's form. As it stands it is the body of the signed webhook. */
export interface Notice {
  type: 'alert.firing' | 'alert.resolved' | 'alert.test'
  timestamp: string
  data: {
    /** The same when it begins and when it is over: receivers match the two by it. */
    id: string
    workspace: string
    watch: string
    key: string
    severity: Severity
    title: string
    summary: string
    url: string
    values: Record<string, unknown>
    firedAt: string | null
    resolvedAt: string | null
  }
}

const heads: Record<Notice['type'], string> = {
  'alert.firing': 'Firing',
  'alert.resolved': 'Resolved',
  'alert.test': 'Test',
}

export interface AlertFacts {
  id: string
  watch: string
  key: string
  severity: Severity
  title: string
  summary: string
  link: string
  values: Record<string, unknown>
  firedAt: Date | null
  resolvedAt: Date | null
}

export function noticeOf(
  type: Notice['type'],
  alert: AlertFacts,
  place: { publicUrl: string; workspace: string },
  now: Date,
): Notice {
  const { link, firedAt, resolvedAt, id, watch, key, severity, title, summary, values } = alert
  return {
    type,
    timestamp: now.toISOString(),
    data: {
      id,
      workspace: place.workspace,
      watch,
      key,
      severity,
      title,
      summary,
      url: `${place.publicUrl}${link}`,
      values,
      firedAt: firedAt?.toISOString() ?? null,
      resolvedAt: resolvedAt?.toISOString() ?? null,
    },
  }
}

/** Subject and text of a mail. */
export function mailOf({ type, data }: Notice): { subject: string; text: string } {
  const lines = [
    `${data.title}.`,
    data.summary,
    '',
    ...(data.firedAt === null ? [] : [`Began:    ${data.firedAt}`]),
    ...(data.resolvedAt === null ? [] : [`Over:     ${data.resolvedAt}`]),
    `Severity: ${data.severity}`,
    `Watch:    ${data.watch}`,
    '',
    data.url,
    '',
    'You are told when this begins and when it is over, and not in between.',
  ]
  return {
    subject: `[${data.workspace}] ${heads[type]}: ${data.summary}`.replaceAll(/\s+/g, ' '),
    text: `${lines.join('\n')}\n`,
  }
}

const marks: Record<Severity, string> = { info: '🔵', warning: '🟠', critical: '🔴' }

/** The body of an incoming webhook: blocks where they are known, and the same as one text for others. */
export function slackOf({ type, data }: Notice): string {
  const mark = type === 'alert.firing' ? marks[data.severity] : '🟢'
  const head = `${mark} *${heads[type]}: ${escape(data.title)}*`
  const foot = [data.workspace, data.severity, data.watch].map(escape).join(' · ')
  const link = `<${data.url.replaceAll(/[<>|\s]/g, encodeURIComponent)}|Open in Throughline>`
  return JSON.stringify({
    text: `${head}\n${escape(data.summary)}\n${link}`,
    blocks: [
      {
        type: 'section',
        text: { type: 'mrkdwn', text: `${head}\n${escape(data.summary)}\n${link}` },
      },
      { type: 'context', elements: [{ type: 'mrkdwn', text: foot }] },
    ],
  })
}

/** Slack takes these three for markup, a mention of everybody among them. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
