import { setTimeout as wait } from 'node:timers/promises'
import { LEADS_PATH, newLead } from '#bench/leads.ts'

/** A hub that comes and goes at one address. */
export interface Target {
  url: string
  key: string
  /** Resolves while the hub is there. */
  whenUp(): Promise<void>
}

interface Outcome {
  status: number
  data?: { id: string }
}

/**
 * What clients were told: the lead of each acknowledged e-mail address. One that was told of two leads for one person,
 * or was refused what is right, has found a fault.
 */
export class Ledger {
  readonly leads = new Map<string, string>()
  readonly faults: string[] = []
  /** Requests that had no answer and were sent again under their key. */
  repeated = 0
  /** Requests whose second sending brought the answer of the first. */
  replayed = 0
  #acknowledged = 0
  #waiting: { until: number; resolve: () => void }[] = []

  /** Resolves once this many more leads are acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ until: this.#acknowledged + count, resolve })
    })
  }

  acknowledge(email: string, lead: string | undefined): void {
    const known = this.leads.get(email)
    if (lead === undefined) this.faults.push(`${email}: no lead in the answer`)
    else if (known !== undefined && known !== lead)
      this.faults.push(`${email}: ${known} and ${lead}`)
    else this.leads.set(email, lead)
    this.#acknowledged += 1
    for (const one of this.#waiting.filter(({ until }) => until <= this.#acknowledged))
      one.resolve()
    this.#waiting = this.#waiting.filter(({ until }) => until > this.#acknowledged)
  }
}

/** Sends leads one after the other until told to stop; every fifth is a person whom all clients send. */
export async function runClient(
  target: Target,
  ledger: Ledger,
  client: { name: string; batchSize: number; isOver: () => boolean },
): Promise<void> {
  let next = 0
  for (let request = 0; !client.isOver(); request += 1) {
    const leads = Array.from({ length: client.batchSize }, () => {
      const place = next++
      return place % 5 === 0 ? newLead(place, 'everyone') : newLead(place, client.name)
    })
    const body = client.batchSize === 1 ? leads[0] : { leads }
    const outcomes = await sendUntilAnswered(target, ledger, `${client.name}-${request}`, body)
    if (outcomes.length !== leads.length)
      ledger.faults.push(`${client.name}: ${outcomes.length} outcomes`)
    leads.forEach((lead, i) => ledger.acknowledge(String(lead['email']), outcomes[i]?.data?.id))
  }
}

/** Repeats a request under its key until the hub says what became of it. */
async function sendUntilAnswered(
  target: Target,
  ledger: Ledger,
  name: string,
  body: unknown,
): Promise<Outcome[]> {
  for (let tries = 1; ; tries += 1) {
    await target.whenUp()
    const answer = await post(target, name, body)
    if (answer !== null && answer.status < 300) {
      if (answer.isReplay) ledger.replayed += 1
      return answer.outcomes
    }
    // Gone for a moment, or the first sending still under way: all else is not for a client to see.
    const isPassing =
      answer === null || answer.status === 503 || answer.text.includes('idempotency.in_progress')
    if (!isPassing) ledger.faults.push(`${name}: ${answer.status} ${answer.text.slice(0, 200)}`)
    ledger.repeated += 1
    await wait(Math.min(50 * tries, 500)) // as a client backs off
  }
}

async function post(target: Target, name: string, body: unknown) {
  try {
    const answer = await fetch(target.url + LEADS_PATH, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${target.key}`,
        'content-type': 'application/json',
        'idempotency-key': name,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await answer.text()
    const isReplay = answer.headers.get('idempotency-replayed') === 'true'
    const outcomes = answer.ok ? outcomesOf(answer.status, text) : []
    return { status: answer.status, text, isReplay, outcomes }
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError'))
      return null // no answer: the hub is gone
    throw error
  }
}

function outcomesOf(status: number, text: string): Outcome[] {
  const json = JSON.parse(text) as { outcomes?: Outcome[]; id?: string }
  return json.outcomes ?? [{ status, ...(json.id === undefined ? {} : { data: { id: json.id } }) }]
}

/** All rows of a list, page by page. */
export async function listAll<T>(target: Pick<Target, 'url' | 'key'>, path: string): Promise<T[]> {
  const rows: T[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const after = cursor === '' ? '' : `&cursor=${cursor}`
    const answer = await fetch(`${target.url}${path}?limit=500${after}`, {
      headers: { authorization: `Bearer ${target.key}` },
    })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    const page = (await answer.json()) as { data: T[]; nextCursor: string | null }
    rows.push(...page.data)
    cursor = page.nextCursor
  }
  return rows
}
