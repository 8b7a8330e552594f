import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Command } from 'commander'
import { drawSpec, journeyKinds, worldKinds } from '#worlds/journeys/kinds.ts'
import type { JourneyKind } from '#worlds/journeys/kinds.ts'
import { simulateJourneys } from '#worlds/journeys/world.ts'
import { describeFiles, describeTruth } from '#worlds/journeys/write.ts'

interface Options {
  kind?: string
  seed: string
  scale: string
  out: string
  list: boolean
}

export function worldsCommand(): Command {
  return new Command('worlds')
    .description('Simulate journeys with known causes, to see how wrong attribution is.')
    .option('--kind <kinds>', 'kinds of world, comma-separated, or all; see --list')
    .option('--seed <n>', 'the same kind and seed give the same world', '1')
    .option('--scale <x>', 'multiplies accounts and conversions', '1')
    .option('--out <folder>', 'where a folder for each world is made', '.')
    .option('--list', 'say what kinds there are', false)
    .action(async (options: Options, command: Command) => {
      if (options.list) {
        for (const kind of journeyKinds) print(`${kind.padEnd(16)} ${worldKinds[kind].note}`)
        return
      }
      const kinds = options.kind === 'all' ? journeyKinds : (options.kind ?? '').split(',')
      const [seed, scale] = [Number(options.seed), Number(options.scale)]
      if (!kinds.every((kind) => Object.hasOwn(worldKinds, kind)))
        command.error(`error: --kind is one of ${journeyKinds.join(', ')}, or all.`, {
          exitCode: 2,
        })
      if (!Number.isInteger(seed) || !(scale > 0))
        command.error('error: --seed is a whole number, --scale above 0.', { exitCode: 2 })
      for (const kind of kinds as JourneyKind[]) {
        print(await writeWorld(kind, seed, scale, join(options.out, `${kind}_${seed}`)))
      }
    })
}

async function writeWorld(
  kind: JourneyKind,
  seed: number,
  scale: number,
  folder: string,
): Promise<string> {
  const world = simulateJourneys(drawSpec(kind, seed, scale))
  await mkdir(folder, { recursive: true })
  for (const [name, rows] of Object.entries(describeFiles(world)))
    await pipeline(
      Readable.from(rows()),
      createGzip(),
      createWriteStream(join(folder, `${name}.csv.gz`)),
    )
  await writeFile(join(folder, 'truth.json'), `${JSON.stringify(describeTruth(world), null, 1)}\n`)
  const { touchMs, conversionUnit, channels } = world.columns
  return `${folder}: ${touchMs.length} touches of ${channels.length} channels, ${conversionUnit.length} conversions`
}

const print = (text: string) => void process.stdout.write(`${text}\n`)
