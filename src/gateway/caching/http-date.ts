/** Milliseconds since 1970 of one of the three forms of RFC 9110, section 5.6.7; null: none of them. */
export function parseHttpDate(_text: string): number | null {
  throw new Error('signature');
}

/** IMF-fixdate, the form that is sent. */
export function formatHttpDate(_ms: number): string {
  throw new Error('signature');
}
