import { sql, type RawBuilder } from 'kysely'
import type { Personal } from '#people/capture.ts'
import { setAsideOf, type Layer, type SetAside } from '#people/layer.rules.ts'
import { openPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'

/** A change of values that names `homeId`, who stands under `personId` or is that person. */
export interface LayerEdit {
  personId: string
  homeId: string
  change: (held: Personal) => Personal
}

interface LayerRow extends Layer {
  fromValues: Buffer | null
  intoValues: Buffer | null
}

/** Makes changes of people in the values that merges by hand have set aside, too. The caller holds the people. */
export async function editLayers(tx: Transaction, edits: readonly LayerEdit[]): Promise<void> {
  if (edits.length === 0) return
  const layers = await findLayers(
    tx,
    edits.map(({ personId }) => personId),
  )
  if (layers.length === 0) return
  const byId = new Map(layers.map((layer) => [layer.id, layer]))
  const opened = new Map<string, SetAside & { values: Personal }>()
  for (const { homeId, change } of edits) {
    for (const { id, side } of setAsideOf(homeId, layers)) {
      const key = `${id} ${side}`
      const sealed = byId.get(id)![side === 'from' ? 'fromValues' : 'intoValues']
      const values = opened.get(key)?.values ?? openSetAside(tx, { id, side }, sealed)
      opened.set(key, { id, side, values: change(values) })
    }
  }
  await saveSetAside(tx, [...opened.values()])
}

/** The merges that hold beneath these people, oldest first; locked. */
async function findLayers(tx: Transaction, personIds: readonly string[]): Promise<LayerRow[]> {
  return tx.query(sql<LayerRow>`
    with recursive under as (
      select m.id, m.from_id from person_merges m
      where m.workspace_id = ${tx.workspaceId} and m.into_id = any(${[...new Set(personIds)]}::text[]) and m.undone_at is null
      union
      select m.id, m.from_id from under u
      join person_merges m on m.workspace_id = ${tx.workspaceId} and m.into_id = u.from_id and m.undone_at is null
    )
    select m.id, m.seq, m.from_id, m.into_id, m.from_values, m.into_values
    from person_merges m where m.id in (select id from under) order by m.seq for update`)
}

async function saveSetAside(
  tx: Transaction,
  changed: readonly (SetAside & { values: Personal })[],
): Promise<void> {
  if (changed.length === 0) return
  const rows = [...Map.groupBy(changed, ({ id }) => id)].map(([id, sides]) => ({
    id,
    ...Object.fromEntries(
      sides.map(({ side, values }) => [side, sealSetAside(tx, { id, side }, values)]),
    ),
  }))
  await tx.execute(sql`
    update person_merges m set from_values = coalesce(decode(r."from", 'base64'), m.from_values),
      into_values = coalesce(decode(r."into", 'base64'), m.into_values)
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, "from" text, "into" text)
    where m.id = r.id`)
}

/** The values of a person as it is by itself, also while others stand under it or it stands under another. */
export interface OwnValues {
  valuesOf: string
  personal: Buffer | null
  mergeId: string | null
  side: SetAside['side']
  setAside: Buffer | null
}

/** The columns of `OwnValues`, of `people p` and `ownValuesJoin`. */
export const ownValues: RawBuilder<unknown> = sql`p.id::text as values_of, p.personal,
  coalesce(below.id, above.id)::text as merge_id, case when below.id is null then 'from' else 'into' end as side,
  coalesce(below.into_values, above.from_values) as set_aside`

/** As `below` the first merge into `people p`, before which it was by itself; as `above` that of it into another. */
export const ownValuesJoin: RawBuilder<unknown> = sql`left join lateral (
    select m.id, m.into_values from person_merges m
    where m.workspace_id = p.workspace_id and m.into_id = p.id and m.undone_at is null order by m.seq limit 1
  ) below on true
  left join person_merges above on above.workspace_id = p.workspace_id and above.from_id = p.id and above.undone_at is null`

export function openOwnValues(tx: Transaction, row: OwnValues): Personal {
  const { valuesOf, personal, mergeId, side, setAside } = row
  return mergeId === null
    ? openPersonal(tx, valuesOf, personal)
    : openSetAside(tx, { id: mergeId, side }, setAside)
}

/** The own values of these people, by person. */
export async function findOwnValues(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, Personal>> {
  const rows = await tx.query(sql<OwnValues>`
    select ${ownValues} from people p ${ownValuesJoin} where p.id = any(${personIds}::text[])`)
  return new Map(rows.map((row) => [row.valuesOf, openOwnValues(tx, row)]))
}

/** The values of one side of a merge; none once they were put in place. */
export function openSetAside(tx: Transaction, aside: SetAside, sealed: Buffer | null): Personal {
  return sealed === null ? {} : tx.sealer.open<Personal>(sealed, contextOf(aside))
}

export function sealSetAside(tx: Transaction, aside: SetAside, values: Personal): string {
  return tx.sealer.seal(values, contextOf(aside)).toString('base64')
}

const contextOf = ({ id, side }: SetAside) => `person_merges.${side}_values:${id}`
