import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { ProbeFile } from '#cli/probe.file.ts'
import { Prober } from '#cli/prober.ts'
import { Problem } from '#core/problem.ts'
import { MINUTE_MS, SECOND_MS, systemClock } from '#core/time.ts'
import { shareUp, uptimeOf } from '#levels/probe.rules.ts'

interface Options {
  url: string
  every: string
  name: string
  file: string
}

/** Each delivery is a line of the audit log: one a minute is enough, unless something changed. */
const DELIVER_MS = MINUTE_MS

export function probeCommand(): Command {
  const command = new Command('probe')
    .description(
      'Look at a hub from outside, again and again; its key is in THROUGHLINE_PROBE_KEY.',
    )
    .option('-u, --url <url>', 'the hub’s address as its users have it', 'http://127.0.0.1:4000')
    .option('-e, --every <seconds>', 'seconds from one look to the next', '10')
    .option('-n, --name <name>', 'what the prober calls itself', 'prober')
    .option('-f, --file <file>', 'where every look is kept, a line each', 'probes.jsonl')
    .action((options: Options) => run(options))
  command
    .command('uptime')
    .description('What the file says, without the hub.')
    .action(async (_, self: Command) => {
      const { file } = self.optsWithGlobals<Options>()
      const probes = await new ProbeFile(file).readAll().catch(() => {
        throw new Problem('request.invalid', `There is no file ${file} to read.`)
      })
      const from = probes[0]?.at ?? new Date()
      const uptime = uptimeOf(probes, from, new Date())
      process.stdout.write(`${JSON.stringify({ ...uptime, uptime: shareUp(uptime) })}\n`)
    })
  return command
}

async function run({ url, every, name, file }: Options): Promise<void> {
  const key = process.env['THROUGHLINE_PROBE_KEY']
  const everyMs = Math.round(Number(every) * SECOND_MS)
  if (!key)
    throw new Problem(
      'request.invalid',
      'Set THROUGHLINE_PROBE_KEY to a key of the role prober: throughline keys create -n prober -r prober.',
    )
  if (!(everyMs >= SECOND_MS && everyMs <= 60 * MINUTE_MS))
    throw new Problem('request.invalid', 'The interval is from 1 to 3600 seconds.')
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  const options = { url: url.replace(/\/$/, ''), key, name, everyMs, clock: systemClock }
  const prober = new Prober({ ...options, file: new ProbeFile(file) })
  let [wasOk, toldAtMs]: [boolean | null, number] = [null, Number.NEGATIVE_INFINITY]
  for (let nextMs = performance.now(); !stop.signal.aborted; nextMs += everyMs) {
    const { at, ok, fault } = await prober.probe()
    if (ok !== wasOk) process.stderr.write(`${at.toISOString()} ${fault ?? 'up'}\n`)
    if (ok && (ok !== wasOk || performance.now() - toldAtMs >= DELIVER_MS)) {
      await prober.deliver()
      toldAtMs = performance.now()
    }
    wasOk = ok
    nextMs = Math.max(nextMs, performance.now() - everyMs)
    await sleep(Math.max(0, nextMs + everyMs - performance.now()), undefined, {
      signal: stop.signal,
    }).catch(() => null)
  }
  await prober.deliver()
}
