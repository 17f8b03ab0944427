import { HeaderList } from '../header-list.ts';

/** A stored head taken apart: its status line's text and its fields. */
export function parseHead(text: string): { status: string; headers: HeaderList } {
  const [status = '', ...lines] = text.split('\r\n');
  const headers = new HeaderList();
  for (const line of lines) {
    const colon = line.indexOf(': ');
    headers.add(line.slice(0, colon), line.slice(colon + 2));
  }
  return { status, headers };
}
