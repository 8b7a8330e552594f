import { randomBytes, randomInt } from 'node:crypto'
import { markProof } from './change-plan.store.ts'
import type { Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Entity } from './entity.ts'
import { closeAccused, writeOutcomes, type OutcomePlace } from './outcome.store.ts'
import {
  BUCKETS,
  judge,
  readBackOf,
  Tally,
  writtenFields,
  type Believed,
  type Judgement,
} from './prove.rules.ts'
import {
  countBelieved,
  forgetUnread,
  listBelieved,
  lookAgain,
  saveCertificate,
  sendAgain,
  sendLostFields,
  settleProved,
  type ProofScope,
} from './prove.store.ts'
import { withPatience } from './retry.ts'

const PAGE = 2000

type Judged = Believed & { judgement: Judgement }

const idOf = ({ externalId }: Believed): string => externalId

/**
 * Reads back what was written on a stream, and keeps the certificate: how many records and which values the hub believes to be
 * there, and what is there. What is not there is named, is an open item, and is due again at once; it closes when it arrived.
 *
 * Of what the connection does not read back, all or but a sample of it, the certificate says how many: nothing is proved of them.
 *
 * Nothing is accused on one look: what seems missing or lost is read a second time.
 * Calls are counted apart from those of the sync. Memory is fixed, whatever the number of records.
 */
export async function proveStream(
  run: Run,
  stream: Stream,
  entity: Entity,
  scope: ProofScope,
): Promise<void> {
  const { fetch, listDeleted } = stream
  if (!fetch || !stream.push) return
  const fields = writtenFields(run.rulesOf(entity, stream))
  const key = randomBytes(32)
  const [here, there] = [new Tally(key, fields), new Tally(key, fields)]
  const found = { missing: 0, lost: 0, gone: 0, changed_there: 0, right: 0 }
  const place: OutcomePlace = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: entity.name,
    direction: 'push',
  }
  const size = stream.fetchSize ?? stream.batchSize
  const inParts = async <T>(
    ids: readonly string[],
    ask: (part: readonly string[]) => Promise<T[]>,
  ) => {
    const answers: T[] = []
    for (let from = 0; from < ids.length; from += size) {
      const part = ids.slice(from, from + size)
      answers.push(
        ...(await withPatience(() => {
          run.lease.assertHeld()
          return run.asCheck(() => ask(part))
        }, run.patience)),
      )
    }
    return answers
  }
  const read = async (ids: readonly string[]) => {
    const candidates = await inParts(ids, (part) => fetch(part, run.signal))
    return new Map(candidates.map((candidate) => [candidate.externalId, candidate]))
  }
  /** What somebody deleted between our write and this look is not missing. */
  const readBin = async (ids: readonly string[]) =>
    new Set(listDeleted ? await inParts(ids, (part) => listDeleted(part, run.signal)) : [])
  const total = await run.engine.store.read(run.workspaceId, (tx) =>
    countBelieved(tx, run.connectionId, entity.name, scope),
  )
  const draw = { total, wanted: readBackOf(run.readBack, total), seed: randomInt(2 ** 31) }
  for (let after = ''; ;) {
    const page = await run.engine.store.read(run.workspaceId, (tx) =>
      listBelieved(tx, run.connectionId, entity.name, scope, draw, after, PAGE),
    )
    const last = page.at(-1)
    if (!last) break
    const seen = await read(page.map(idOf))
    const suspects = page.filter((one) =>
      isAccused(judge(fields, one, seen.get(one.externalId) ?? null)),
    )
    const again = await read(suspects.map(idOf))
    for (const [id, candidate] of again) seen.set(id, candidate)
    const absent = suspects.filter((one) => one.isUnproved && !seen.has(one.externalId))
    const deleted = await readBin(absent.map(idOf))
    const judged = page.map((one): Judged => {
      const candidate = seen.get(one.externalId) ?? null
      here.addBelieved(one, candidate)
      if (candidate && !candidate.deleted) there.addSeen(candidate, one.base)
      const judgement = deleted.has(one.externalId)
        ? ({ kind: 'gone' } as const)
        : judge(fields, one, candidate)
      return { ...one, judgement }
    })
    for (const { judgement } of judged) found[judgement.kind] += 1
    await commit(run, async (tx) => {
      const now = run.engine.clock.now()
      const of = (kind: Judgement['kind']) => judged.filter((one) => one.judgement.kind === kind)
      const idsOf = (all: readonly Judged[]) => all.map(({ localId }) => localId)
      const missing = of('missing')
      const isThere = ({ judgement: { kind } }: Judged) => kind !== 'missing' && kind !== 'lost'
      await closeAccused(tx, place, idsOf(judged.filter(isThere)))
      const lost = judged.flatMap((one) =>
        one.judgement.kind === 'lost' ? [{ ...one, lost: one.judgement.fields }] : [],
      )
      await settleProved(tx, run.connectionId, entity.name, idsOf(judged))
      await markProof(tx, run.connectionId, entity.name, judged)
      await sendAgain(tx, place, idsOf(missing), now)
      await sendLostFields(tx, place, lost, now)
      await lookAgain(
        tx,
        place,
        of('gone').map(({ externalId }) => externalId),
        now,
      )
      const accused = [
        ...missing.map((one) => ({ ...one, code: 'certificate.missing', detail: null })),
        ...lost.map((one) => ({
          ...one,
          code: 'certificate.lost',
          detail: `Not there: ${one.lost.join(', ')}.`,
        })),
      ]
      await writeOutcomes(
        tx,
        place,
        accused.map(({ localId, externalId, code, detail }) => ({
          localId,
          externalId,
          outcome: 'refused',
          code,
          detail,
        })),
        now,
      )
    })
    after = last.localId
  }
  await commit(run, async (tx) => {
    if (draw.wanted < total) await forgetUnread(tx, run.connectionId, entity.name)
    await saveCertificate(tx, run.id, {
      stream: stream.name,
      scope,
      readBack: run.readBack,
      unreadCount: draw.wanted < total ? Math.max(0, total - here.count) : 0,
      hereCount: here.count,
      hereHash: here.hash,
      thereCount: there.count,
      thereHash: there.hash,
      buckets: BUCKETS,
      differingBuckets: here.differing(there),
      missing: found.missing,
      lost: found.lost,
      gone: found.gone,
      changedThere: found.changed_there,
      checkedAt: run.engine.clock.now(),
    })
  })
}

function isAccused({ kind }: Judgement): boolean {
  return kind === 'missing' || kind === 'lost' || kind === 'gone'
}
