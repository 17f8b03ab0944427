/** Visible ASCII: what a URL is written in (RFC 3986, section 2); a line break would end a header. */
export function isUrlText(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

export const notUrlText = 'has characters that a URL may not hold';
export const percentEncode = 'percent-encode blanks, line breaks and what is not ASCII';
