import type { LearnedModel, Member } from './model.ts'
import type { Tree } from './tree.ts'

/** A model as JSON: each tree a list of columns. */
export type PackedModel = Omit<LearnedModel, 'main' | 'members'> & {
  main: PackedMember
  members: PackedMember[]
}

type PackedMember = Omit<Member, 'boosting'> & {
  boosting:
    | (Omit<NonNullable<Member['boosting']>, 'trees'> & {
        trees: Record<keyof Tree, number[]>[]
      })
    | null
}

/** Plain data that survives JSON; `unpackModel` gives the model back bit by bit. */
export function packModel(model: LearnedModel): PackedModel {
  return { ...model, main: packMember(model.main), members: model.members.map(packMember) }
}

export function unpackModel(packed: PackedModel): LearnedModel {
  return { ...packed, main: unpackMember(packed.main), members: packed.members.map(unpackMember) }
}

function packMember({ logistic, boosting }: Member): PackedMember {
  if (boosting === null) return { logistic, boosting }
  const trees = boosting.trees.map((tree) => ({
    feature: [...tree.feature],
    threshold: [...tree.threshold],
    missingLeft: [...tree.missingLeft],
    left: [...tree.left],
    right: [...tree.right],
    value: [...tree.value],
    cover: [...tree.cover],
  }))
  return { logistic, boosting: { ...boosting, trees } }
}

function unpackMember({ logistic, boosting }: PackedMember): Member {
  if (boosting === null) return { logistic, boosting }
  const trees = boosting.trees.map((tree): Tree => ({
    feature: Int32Array.from(tree.feature),
    threshold: Float64Array.from(tree.threshold),
    missingLeft: Uint8Array.from(tree.missingLeft),
    left: Int32Array.from(tree.left),
    right: Int32Array.from(tree.right),
    value: Float64Array.from(tree.value),
    cover: Float64Array.from(tree.cover),
  }))
  return { logistic, boosting: { ...boosting, trees } }
}
