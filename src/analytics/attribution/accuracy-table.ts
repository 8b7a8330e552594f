export const accuracyTable: Record<string, Record<string, Record<string, [number, number]>>> = {}
export const accuracySpread = 0.05
