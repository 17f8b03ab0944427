/** A response, read by the letter; see keep-alive.mjs. */
export interface KeptResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export class KeepAlive {
  constructor(port: number, host?: string);
  readonly closed: boolean;
  readonly busy: boolean;
  opened(): Promise<void>;
  /** Null: the connection ended before the response was whole. */
  send(request: string, done: (response: KeptResponse | null) => void): void;
  fetch(request: string): Promise<KeptResponse | null>;
  close(): void;
}

export function getRequest(path: string, host?: string): string;
