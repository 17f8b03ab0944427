import { assert } from './assert.ts';
import { CutoverError } from './errors.ts';

/**
 * Makes a shared library that was linked against glibc 2.38 load on older systems, by editing a
 * copy of its ELF tables (System V ABI, chapter 5; LSB, "Symbol Versioning").
 *
 * Such a library asks for `__isoc23_strtol` and its kin, which differ from the plain functions only
 * in that they read a `0b` prefix in base 0 or 2; uWebSockets.js parses in base 10 and 16. The
 * plain name is a suffix of the new one, so no text is added: the symbol's name offset moves on by
 * the length of the prefix, and its version becomes "any".
 */
const prefix = '__isoc23_';
const newerVersion = 'GLIBC_2.38';

/** Offsets in the 64 bit little-endian ELF header, section headers, symbols and version needs. */
const elf = { shoff: 0x28, shentsize: 0x3a, shnum: 0x3c, headerBytes: 0x40 } as const;
const section = {
  type: 0x04,
  offset: 0x18,
  size: 0x20,
  link: 0x28,
  info: 0x2c,
  bytes: 0x40,
} as const;
const sectionType = { dynsym: 11, verneed: 0x6ffffffe, versym: 0x6fffffff } as const;
const symbol = { name: 0, sectionIndex: 6, bytes: 24 } as const;
const need = { count: 2, aux: 8, next: 12 } as const;
const needAux = { flags: 4, name: 8, next: 12 } as const;
const versionAny = 1;
const flagWeak = 2;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** A patched copy of the library's bytes. A file that is not as expected is an error. */
export function withoutNewerGlibc(library: Uint8Array): Buffer {
  const bytes = Buffer.from(library);
  try {
    const sections = readSections(bytes);
    renameSymbols(bytes, sections);
    weakenVersion(bytes, sections);
  } catch (error) {
    if (error instanceof CutoverError) throw error;
    throw unreadable('its tables point outside the file');
  }
  return bytes;
}

function readSections(bytes: Buffer): Section[] {
  const elf64LittleEndian = '7f454c460201';
  if (bytes.length < elf.headerBytes || bytes.toString('hex', 0, 6) !== elf64LittleEndian) {
    throw unreadable('it is not a 64 bit little-endian ELF file');
  }
  const first = Number(bytes.readBigUInt64LE(elf.shoff));
  const count = bytes.readUInt16LE(elf.shnum);
  assert(bytes.readUInt16LE(elf.shentsize) === section.bytes, 'section headers have 64 bytes');
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * section.bytes;
    return {
      type: bytes.readUInt32LE(at + section.type),
      offset: Number(bytes.readBigUInt64LE(at + section.offset)),
      size: Number(bytes.readBigUInt64LE(at + section.size)),
      link: bytes.readUInt32LE(at + section.link),
      info: bytes.readUInt32LE(at + section.info),
    };
  });
}

function renameSymbols(bytes: Buffer, sections: readonly Section[]): void {
  const symbols = one(sections, sectionType.dynsym);
  const versions = one(sections, sectionType.versym);
  const names = sections[symbols.link];
  if (names === undefined) throw unreadable('its symbols have no names');
  for (let index = 0; index * symbol.bytes < symbols.size; index++) {
    const at = symbols.offset + index * symbol.bytes;
    if (bytes.readUInt16LE(at + symbol.sectionIndex) !== 0) continue;
    const name = bytes.readUInt32LE(at + symbol.name);
    if (!textAt(bytes, names.offset + name).startsWith(prefix)) continue;
    bytes.writeUInt32LE(name + prefix.length, at + symbol.name);
    bytes.writeUInt16LE(versionAny, versions.offset + index * 2);
  }
}

function weakenVersion(bytes: Buffer, sections: readonly Section[]): void {
  const needs = one(sections, sectionType.verneed);
  const names = sections[needs.link];
  if (names === undefined) throw unreadable('its version needs have no names');
  let at = needs.offset;
  for (let library = 0; library < needs.info; library++) {
    let aux = at + bytes.readUInt32LE(at + need.aux);
    const auxCount = bytes.readUInt16LE(at + need.count);
    for (let index = 0; index < auxCount; index++) {
      const name = textAt(bytes, names.offset + bytes.readUInt32LE(aux + needAux.name));
      if (name === newerVersion) {
        bytes.writeUInt16LE(
          bytes.readUInt16LE(aux + needAux.flags) | flagWeak,
          aux + needAux.flags,
        );
      }
      aux += bytes.readUInt32LE(aux + needAux.next);
    }
    at += bytes.readUInt32LE(at + need.next);
  }
}

function one(sections: readonly Section[], type: number): Section {
  const found = sections.find((candidate) => candidate.type === type);
  if (found === undefined) throw unreadable(`it has no section of type ${type}`);
  return found;
}

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  if (at > bytes.length || end < 0) throw unreadable('a name runs out of the file');
  return bytes.toString('latin1', at, end);
}

function unreadable(why: string): CutoverError {
  return new CutoverError('native-unreadable', `the native library cannot be adapted: ${why}`, {
    source: 'internal',
  });
}
