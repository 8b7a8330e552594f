import { newId } from '#core/id.ts'
import type { Entity, EntityWritten } from '#sync/entity.ts'
import {
  findOwners,
  findOwnersByEmail,
  ownerEmailIndex,
  saveOwners,
  type OwnerState,
} from './owner.store.ts'
import { textOf, flagOf } from './sync-values.ts'

/** Owners as a CRM knows them. Capacity and absence are ours: a CRM does not touch them. */
export const ownerEntity: Entity = {
  name: 'owner',
  pushAfter: [],

  async match(tx, candidates) {
    const indexes = candidates.map(({ values }) => {
      const email = textOf(values, 'email')
      return email === null ? null : ownerEmailIndex(tx, email)
    })
    const found = await findOwnersByEmail(
      tx,
      indexes.flatMap((index) => index ?? []),
    )
    return indexes.map((index) =>
      index === null ? null : (found.get(index.toString('hex'))?.id ?? null),
    )
  },

  async write(tx, writes, now) {
    const held = new Map(
      (
        await findOwners(
          tx,
          writes.flatMap(({ localId }) => localId ?? []),
        )
      ).map((owner) => [owner.id as string, owner]),
    )
    const emails = writes.flatMap(({ values }) => textOf(values, 'email') ?? [])
    // Addresses of other owners: two vendors may name one person, and a unique address stays with who has it.
    const taken = await findOwnersByEmail(
      tx,
      emails.map((email) => ownerEmailIndex(tx, email)),
    )
    const changed = new Map<string, OwnerState>()
    const written = writes.map((write): EntityWritten => {
      const { values, deleted } = write
      const before =
        write.localId === null ? undefined : (changed.get(write.localId) ?? held.get(write.localId))
      const base: OwnerState = before ?? {
        id: newId('own'),
        name: textOf(values, 'name') ?? write.externalId,
        email: null,
        active: true,
        dailyCapacity: null,
        absentFrom: null,
        absentUntil: null,
        createdAt: now,
        updatedAt: now,
      }
      const email = textOf(values, 'email') ?? base.email
      const holder =
        email === null ? undefined : taken.get(ownerEmailIndex(tx, email).toString('hex'))
      const isFree = holder === undefined || holder.id === base.id
      const after: OwnerState = {
        ...base,
        name: textOf(values, 'name') ?? base.name,
        email: isFree ? email : base.email,
        active: deleted ? false : (flagOf(values, 'active') ?? base.active),
        updatedAt: now,
      }
      const isSame =
        before !== undefined &&
        after.name === before.name &&
        after.email === before.email &&
        after.active === before.active
      if (isSame) return { localId: before.id, outcome: 'unchanged' }
      if (after.email !== null && holder === undefined)
        taken.set(ownerEmailIndex(tx, after.email).toString('hex'), after)
      changed.set(after.id, after)
      if (deleted) return { localId: after.id, outcome: 'deleted' }
      return { localId: after.id, outcome: before === undefined ? 'created' : 'updated' }
    })
    await saveOwners(tx, [...changed.values()])
    const outcomes = new Map(written.map(({ localId, outcome }) => [localId, outcome]))
    const events = [...changed.keys()].map((id) => ({
      event: outcomes.get(id) === 'created' ? 'owner.created' : 'owner.updated',
      subjectId: id,
    }))
    return { written, events }
  },
}
