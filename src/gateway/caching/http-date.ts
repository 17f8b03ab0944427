/** Milliseconds since 1970; a year of two digits lies in the century that `nowMs` tells. */
export type HttpDateMs = number;

const months: readonly string[] = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
];
const days: readonly string[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

const imfFixdate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const rfc850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const asctime =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/** No later than this does a year of two digits lie ahead (RFC 9110, section 5.6.7). */
const aheadYearsMax = 50;

/**
 * Reads one of the three forms of RFC 9110, section 5.6.7, which are case-sensitive; null: it is
 * none of them, or no such moment exists. `nowMs` (wall clock) settles the century of the form
 * with a year of two digits; without it, years below 70 are of this century.
 */
export function parseHttpDate(text: string, nowMs?: number): HttpDateMs | null {
  const fixed = imfFixdate.exec(text);
  if (fixed !== null) {
    const [, day, month, year, hour, minute, second] = fixed;
    return moment(Number(year), month, day, hour, minute, second);
  }
  const short = rfc850.exec(text);
  if (short !== null) {
    const [, day, month, year, hour, minute, second] = short;
    return moment(wholeYear(Number(year), nowMs), month, day, hour, minute, second);
  }
  const plain = asctime.exec(text);
  if (plain === null) return null;
  const [, month, day, hour, minute, second, year] = plain;
  return moment(Number(year), month, day, hour, minute, second);
}

function wholeYear(twoDigits: number, nowMs: number | undefined): number {
  if (nowMs === undefined) return twoDigits + (twoDigits < 70 ? 2000 : 1900);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const inCentury = thisYear - (thisYear % 100) + twoDigits;
  return inCentury > thisYear + aheadYearsMax ? inCentury - 100 : inCentury;
}

function moment(
  year: number,
  monthName: string | undefined,
  dayText: string | undefined,
  hourText: string | undefined,
  minuteText: string | undefined,
  secondText: string | undefined,
): number | null {
  const month = months.indexOf(monthName ?? '');
  const day = Number(dayText);
  const hour = Number(hourText);
  const minute = Number(minuteText);
  const second = Number(secondText);
  // 60 is a leap second, which the platform's calendar does not have.
  if (month < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return null;
  const ms = Date.UTC(year, month, day, hour, minute, Math.min(second, 59));
  const date = new Date(ms);
  // Date.UTC reads years below 100 as of the last century, and carries a 31st of June over.
  return date.getUTCFullYear() === year && date.getUTCDate() === day ? ms : null;
}

/** IMF-fixdate, the form that is sent. */
export function formatHttpDate(ms: HttpDateMs): string {
  const date = new Date(ms);
  const day = two(date.getUTCDate());
  const month = months[date.getUTCMonth()];
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${days[date.getUTCDay()]}, ${day} ${month} ${year} ${time} GMT`;
}

function two(part: number): string {
  return part < 10 ? `0${part}` : `${part}`;
}
