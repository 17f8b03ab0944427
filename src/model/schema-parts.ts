import { z } from 'zod';
import { textBytesMax } from '../base/limits.ts';

/** Pieces that more than one schema is made of. */
export const bounded = (bytesMax: number, limit: string) =>
  z
    .string()
    .superRefine((value, context) => {
      if (Buffer.byteLength(value) <= bytesMax) return;
      const message = `is over ${bytesMax} bytes (${limit})`;
      context.addIssue({ code: 'too_big', origin: 'string', maximum: bytesMax, message });
    })
    .meta({ maxLength: bytesMax });

export const text = bounded(textBytesMax, 'textBytesMax');

/** What a field must be: a value, there or not, or of a pattern. */
export const predicate = z.union([
  text,
  z.strictObject({ present: z.boolean() }),
  z.strictObject({ regex: text.describe('Must match the whole value; linear time.') }),
]);

export type WrittenPredicate = z.output<typeof predicate>;
