import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { linkAudit, toLine, type AuditFiles } from '#access/audit-chain.ts'
import { canonical, chainHash, entryHash, GENESIS } from '#access/audit-chain.rules.ts'
import {
  countUnlinked,
  listCheckpoints,
  listDueChains,
  streamChain,
} from '#access/audit-chain.store.ts'
import { openAuditKey } from '#access/audit-key.ts'
import { verifyAudit, type AuditVerdict } from '#access/audit-verify.ts'
import { auditFiles } from '#app.ts'
import { DAY_MS } from '#core/time.ts'
import { seededRandom } from '#core/random.ts'
import { accessWatches } from '#access/watches.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { rowsRead } from '#tests/store.ts'

const clock = new ManualClock(new Date('2026-11-25T10:00:00Z'))
const hub = useHub({ clock })
let files: AuditFiles
let workspace: TestWorkspace

/** Does `count` things that are audited, and links them under a signed head. */
async function actAndLink(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const { status } = await workspace.post('/api/v1/campaigns', {
      key: `c${clock.now().getTime()}-${i}`,
      name: `Campaign ${i}`,
      channel: 'email',
    })
    expect(status).toBe(201)
  }
  clock.advance(DAY_MS)
  await linkAll()
}

/** Entries wait for every transaction that is older, those of other databases of the server too. */
async function linkAll(): Promise<void> {
  const left = async () => {
    await linkAudit(hub.app.store, files, clock.now())
    return (await check()).unlinked
  }
  await expect.poll(left, { timeout: 20_000 }).toBe(0)
}

const check = (): Promise<AuditVerdict> =>
  hub.app.store.read(workspace.id, (tx) => verifyAudit(tx, workspace.id, files))

/** As whoever owns the database. */
const asOwner = (statement: ReturnType<typeof sql>): Promise<number> =>
  hub.app.store.system((tx) => tx.execute(statement))

beforeEach(async () => {
  files = auditFiles(hub.app.config)
  workspace = await hub.freshWorkspace()
})

describe('the chain of the audit log', () => {
  test('every entry is linked once, in order, under a signed head, whoever links at the same time', async () => {
    await actAndLink(7)
    for (let i = 0; i < 5; i += 1)
      await workspace.post('/api/v1/campaigns', { key: `x${i}`, name: 'X', channel: 'email' })
    await Promise.all(Array.from({ length: 4 }, () => linkAudit(hub.app.store, files, clock.now())))
    const entries = (await workspace.get('/api/v1/audit?limit=500')).body.data as unknown[]
    const verdict = await check()
    expect(verdict).toMatchObject({ fault: null, unlinked: 0, links: entries.length })
    expect(verdict.headSeq).toBe(entries.length)
    expect(verdict.checkpoints).toBeGreaterThan(0)
    expect(verdict.outsideCheckpoints).toBe(verdict.checkpoints)
    const { body } = await workspace.get('/api/v1/audit/verification')
    expect(body).toMatchObject({ fault: null, headHash: verdict.headHash })
  })

  test('signed heads are listed from either end, page by page', async () => {
    await actAndLink(2)
    await actAndLink(2)
    const seqs = async (order: string) => {
      const found: number[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const after: string = cursor === '' ? '' : `&cursor=${cursor}`
        const path = `/api/v1/audit/checkpoints?limit=1&order=${order}${after}`
        const { body } = await workspace.get(path)
        found.push(...body.data.map(({ seq }: { seq: number }) => seq))
        cursor = body.nextCursor
      }
      return found
    }
    const ascending = await seqs('asc')
    expect(ascending.length).toBeGreaterThan(1)
    expect(await seqs('desc')).toEqual(ascending.toReversed())
    expect(ascending).toEqual([...ascending].sort((a, b) => a - b))
  })

  test('one flipped bit in an entry, a link or a signed head is found, and its place is named', async () => {
    await actAndLink(12)
    await actAndLink(12)
    const random = seededRandom(5, 1)
    const { headSeq } = await check()
    const heads = await hub.app.store.read(workspace.id, (tx) =>
      listCheckpoints(tx, workspace.id, 0, 100),
    )
    const places = [
      ...['id', 'principal_id', 'principal_kind', 'action', 'subject_id', 'request_id'].map(
        (column) => ({ table: 'audit_log', column, type: 'text' as const }),
      ),
      { table: 'audit_log', column: 'occurred_at', type: 'time' as const },
      { table: 'audit_log', column: 'detail', type: 'json' as const },
      { table: 'audit_links', column: 'entry_hash', type: 'bytes' as const },
      { table: 'audit_links', column: 'chain_hash', type: 'bytes' as const },
      { table: 'audit_checkpoints', column: 'chain_hash', type: 'bytes' as const },
      { table: 'audit_checkpoints', column: 'signature', type: 'bytes' as const },
      { table: 'audit_checkpoints', column: 'signed_at', type: 'time' as const },
      { table: 'audit_checkpoints', column: 'key_id', type: 'text' as const },
    ]
    for (const { table, column, type } of places) {
      const isHead = table === 'audit_checkpoints'
      const seq = isHead ? random.pick(heads).seq : 1 + random.integer(headSeq)
      const key =
        table === 'audit_log'
          ? sql`id = (select audit_id from audit_links where workspace_id = ${workspace.id} and seq = ${seq})`
          : sql`workspace_id = ${workspace.id} and seq = ${seq}`
      const name = sql.ref(column)
      const bit = random.integer(64)
      // The lowest bit of the last character is another letter, digit or sign; flipped again, it is as before.
      const other = sql`left(${name}, -1) || chr(ascii(right(${name}, 1)) # 1)`
      const bytes = sql`set_bit(${name}, ${bit}, 1 - get_bit(${name}, ${bit}))`
      const changes = {
        text: [other, other],
        bytes: [bytes, bytes],
        time: [sql`${name} + interval '1 millisecond'`, sql`${name} - interval '1 millisecond'`],
        json: [sql`jsonb_set(${name}, '{added}', '1')`, sql`${name} - 'added'`],
      } as const
      const [flipped, restored] = changes[type]
      const changed = await asOwner(
        sql`update ${sql.table(table)} set ${name} = ${flipped} where ${key}`,
      )
      expect(changed, `${table}.${column}`).toBe(1)
      const { fault } = await check()
      expect(fault?.seq, `${table}.${column}: ${fault?.kind}`).toBe(seq)
      // A changed id leaves the link without its entry: there the key is the changed id.
      const back =
        column === 'id'
          ? sql`workspace_id = ${workspace.id} and not exists (select 1 from audit_links l where l.audit_id = audit_log.id)`
          : key
      await asOwner(sql`update ${sql.table(table)} set ${name} = ${restored} where ${back}`)
      expect((await check()).fault, `${table}.${column} restored`).toBeNull()
    }
  })

  test('a deleted entry and a deleted link are named', async () => {
    await actAndLink(6)
    await asOwner(
      sql`delete from audit_log where id = (select audit_id from audit_links where workspace_id = ${workspace.id} and seq = 3)`,
    )
    expect((await check()).fault).toMatchObject({ kind: 'entry_missing', seq: 3 })
    await asOwner(sql`delete from audit_links where workspace_id = ${workspace.id} and seq = 2`)
    expect((await check()).fault).toMatchObject({ kind: 'link_missing', seq: 2 })
  })

  test('a tail that was cut off everywhere in the database is found through the heads outside it', async () => {
    await actAndLink(4)
    const { headSeq } = await check()
    await actAndLink(4)
    await asOwner(
      sql`delete from audit_log where id in (select audit_id from audit_links where workspace_id = ${workspace.id} and seq > ${headSeq})`,
    )
    for (const table of ['audit_links', 'audit_checkpoints'])
      await asOwner(
        sql`delete from ${sql.table(table)} where workspace_id = ${workspace.id} and seq > ${headSeq}`,
      )
    expect((await check()).fault).toEqual({
      kind: 'chain_shortened',
      seq: headSeq + 1,
      auditId: null,
    })
  })

  test('a chain that was written anew without the key is not believed', async () => {
    await actAndLink(5)
    await asOwner(
      sql`update audit_log set action = 'nothing' where id = (select audit_id from audit_links where workspace_id = ${workspace.id} and seq = 1)`,
    )
    await hub.app.store.system(async (tx) => {
      let before: Buffer = GENESIS
      for await (const batch of streamChain(tx, workspace.id, 0, 100)) {
        for (const { seq, entry } of batch) {
          const hash = entryHash(entry!)
          before = chainHash(before, seq, hash)
          await tx.execute(
            sql`update audit_links set entry_hash = ${hash}, chain_hash = ${before} where workspace_id = ${workspace.id} and seq = ${seq}`,
          )
        }
      }
    })
    expect((await check()).fault?.kind).toBe('checkpoint_changed')
  })

  test('entries are linked also after a restore to a server whose transactions count from anew', async () => {
    await actAndLink(3)
    await asOwner(
      sql`update audit_log set xid = '99999999999' where workspace_id = ${workspace.id}`,
    )
    await asOwner(
      sql`update audit_heads set xid = '99999999999' where workspace_id = ${workspace.id}`,
    )
    await actAndLink(3)
    expect(await check()).toMatchObject({ fault: null, unlinked: 0 })
  })

  test('the role that requests run under can neither change the log nor write its proof', async () => {
    await actAndLink(1)
    for (const statement of [
      sql`update audit_log set action = 'x'`,
      sql`delete from audit_log`,
      sql`delete from audit_links`,
      sql`insert into audit_checkpoints (seq, chain_hash, signed_at, key_id, signature) values (1, '', now(), 'x', '')`,
    ])
      await expect(
        hub.app.store.transaction(workspace.id, (tx) => tx.execute(statement)),
      ).rejects.toThrow()
    expect((await check()).fault).toBeNull()
  })
})

describe('the checker that needs neither hub nor database', () => {
  let folder = ''
  const run = promisify(execFile)
  const checker = fileURLToPath(new URL('../../bin/check-audit.js', import.meta.url))

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'throughline-audit-'))
    const { publicKey } = await openAuditKey(files.keyFile)
    await writeFile(
      join(folder, 'key.pem'),
      String(publicKey.export({ type: 'spki', format: 'pem' })),
    )
    await actAndLink(5)
    const lines: string[] = []
    await hub.app.store.read(workspace.id, async (tx) => {
      for await (const batch of streamChain(tx, workspace.id, 0, 100))
        for (const link of batch)
          lines.push(
            JSON.stringify({
              seq: link.seq,
              entryHash: link.entryHash.toString('hex'),
              chainHash: link.chainHash.toString('hex'),
              entry: link.entry,
            }),
          )
      for (const head of await listCheckpoints(tx, workspace.id, 0, 100))
        lines.push(JSON.stringify({ checkpoint: toLine(head) }))
    })
    await writeFile(join(folder, 'log.jsonl'), `${lines.join('\n')}\n`)
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('agrees with the hub, and names the first line that was changed', async () => {
    const args = [checker, join(folder, 'log.jsonl'), join(folder, 'key.pem')]
    const { stdout } = await run(process.execPath, args)
    expect(stdout).toContain((await check()).headHash)
    const text = await readFile(join(folder, 'log.jsonl'), 'utf8')
    const lines = text.split('\n')
    lines[1] = lines[1]!.replace('api_key', 'api_kez')
    await writeFile(join(folder, 'log.jsonl'), lines.join('\n').trimEnd())
    await expect(run(process.execPath, args)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Fault at position 2') as string,
    })
  })
})

test('the text that is hashed is the same whatever the order of the fields', () => {
  expect(canonical({ b: [1, { d: null, c: 'x' }], a: true })).toBe(
    canonical({ a: true, b: [1, { c: 'x', d: null }] }),
  )
  expect(canonical({ b: 1, a: 2 })).toBe('{"a":2,"b":1}')
})

test('where much is linked, whoever looks for what is not reads that alone', async () => {
  await actAndLink(1)
  const now = clock.now()
  await asOwner(sql`
    insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action)
    select 'aud_kept_' || n, ${workspace.id}, ${now}, 'key_1', 'key', 'campaign.created' from generate_series(1, 20000) n`)
  await asOwner(sql`
    update audit_heads set (xid, audit_id) = (
      select xid, id from audit_log where workspace_id = ${workspace.id} order by xid desc, id desc limit 1)
    where workspace_id = ${workspace.id}`)
  await asOwner(sql`analyze audit_log`)
  const { store } = hub.app
  const later = new Date(now.getTime() + DAY_MS)
  const due = await store.system((tx) =>
    rowsRead(tx, 'audit_log', () => listDueChains(tx, now, 100)),
  )
  const watched = await store.read(workspace.id, (tx) =>
    rowsRead(tx, 'audit_log', async () => {
      for (const watch of accessWatches) await watch.look(tx, later)
    }),
  )
  const verified = await store.read(workspace.id, (tx) =>
    rowsRead(tx, 'audit_log', () => countUnlinked(tx, workspace.id)),
  )
  expect(Math.max(due, watched, verified)).toBeLessThan(100)
})
