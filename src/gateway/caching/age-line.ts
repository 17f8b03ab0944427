/** Texts that are kept, one per last digits of an age: a power of two. */
const placeCount = 256;

const texts: string[] = new Array(placeCount).fill('');
const ages = new Int32Array(placeCount).fill(-1);
const members: string[] = new Array(placeCount).fill('');

/**
 * The value of `Age` (RFC 9111, section 5.1) with the line of Cache-Status behind it, so that both
 * are written in one crossing into C++. Hits of one second mostly say the same, so the text of the
 * last that was alike is given again: a new one costs several allocations.
 */
export function ageAndStatus(ageSeconds: number, member: string): string {
  const at = ageSeconds & (placeCount - 1);
  if (ages[at] === ageSeconds && members[at] === member) return texts[at] as string;
  const text = `${ageSeconds}\r\ncache-status: ${member}`;
  // An age past 68 years is written but not found again.
  ages[at] = ageSeconds;
  members[at] = member;
  texts[at] = text;
  return text;
}
