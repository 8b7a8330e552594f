// The 249 officially assigned codes of ISO 3166-1 alpha-2.
const CODES = (
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
  'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
  'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
  'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT ' +
  'MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW ' +
  'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ ' +
  'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'
).split(' ')

const codes = new Set(CODES)

// Languages in which forms and CRMs commonly write a country.
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'pl', 'sv', 'da', 'nb', 'fi', 'cs']

// Spellings in use that no locale data holds.
const ALIASES: Readonly<Record<string, string>> = {
  usa: 'US',
  'united states of america': 'US',
  america: 'US',
  uk: 'GB',
  gbr: 'GB',
  'great britain': 'GB',
  britain: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'northern ireland': 'GB',
  deu: 'DE',
  'federal republic of germany': 'DE',
  fra: 'FR',
  esp: 'ES',
  ita: 'IT',
  nld: 'NL',
  holland: 'NL',
  'the netherlands': 'NL',
  che: 'CH',
  aut: 'AT',
  can: 'CA',
  aus: 'AU',
  ind: 'IN',
  jpn: 'JP',
  bra: 'BR',
  'czech republic': 'CZ',
  'republic of ireland': 'IE',
  'russian federation': 'RU',
  'republic of korea': 'KR',
  korea: 'KR',
  "people's republic of china": 'CN',
  prc: 'CN',
  uae: 'AE',
  'viet nam': 'VN',
  turkey: 'TR',
  'ivory coast': 'CI',
  macedonia: 'MK',
}

let codeByName: Map<string, string> | undefined

/**
 * The ISO 3166-1 alpha-2 code of a country given as a code or as a name in a common language.
 * @returns null when the text names no country. Names come from Unicode CLDR, read once on first use.
 */
export function countryCode(text: string): string | null {
  const trimmed = text.trim()
  const upper = trimmed.toUpperCase()
  if (codes.has(upper)) return upper
  codeByName ??= readNames()
  return codeByName.get(plain(trimmed)) ?? null
}

function readNames(): Map<string, string> {
  const names = new Map<string, string>()
  for (const language of LANGUAGES) {
    const display = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' })
    for (const code of CODES) {
      const name = display.of(code)
      // The first language wins, so that an English name is never taken by another tongue's.
      if (name !== undefined && !names.has(plain(name))) names.set(plain(name), code)
    }
  }
  for (const [name, code] of Object.entries(ALIASES)) names.set(name, code)
  return names
}

/** Without case, accents and doubled blanks. */
function plain(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[\u2018\u2019]/g, "'")
    .toLowerCase()
    .split(/\s+/)
    .join(' ')
    .trim()
}
