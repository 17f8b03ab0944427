import type { Collector } from '../../telemetry/collector.ts';
import type { AccessToken } from '../access-token.ts';
import type { Apply } from '../apply.ts';
import type { ControlClient } from '../control-client.ts';
import type { EventStream } from '../event-stream.ts';
import type { History } from '../history/history.ts';
import type { RevisionLedgers } from '../revision-ledgers.ts';

/** What the calls of the admin interface work on. */
export interface AdminParts {
  readonly nodeId: string;
  readonly region: string;
  readonly token: AccessToken;
  readonly apply: Apply;
  readonly history: History;
  readonly collector: Collector;
  readonly ledgers: RevisionLedgers;
  readonly events: EventStream;
  readonly control: Pick<ControlClient, 'bust' | 'list' | 'explain'>;
  /** Into the log and to whoever watches the events. */
  readonly announce: (event: string, fields: Record<string, unknown>) => void;
  /** Null: ready; else why not. */
  readonly notReady: () => string | null;
}
