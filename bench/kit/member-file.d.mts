export interface MemberFilePlan {
  readonly name: string;
  readonly port: number;
  readonly ports: readonly number[];
  readonly host?: string;
  readonly addresses?: readonly string[];
  readonly logCapacity?: number;
  readonly rings?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function memberFile(plan: MemberFilePlan): unknown;
