package dev.sextant.kernels.natives;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Makes a shared library (64-bit ELF, little endian) ask for another major version of a library it
 * needs: JCuda 12.6 names {@code libcublas.so.12}, and loads against {@code libcublas.so.13} once
 * the name is changed where it is needed and the hash of the symbol version that carries the same
 * name is computed anew. Names must be of one length. Functions that the newer library dropped fail
 * when they are called, since JCuda binds lazily.
 */
public final class ElfRelink {
  private static final int DYNAMIC = 6;
  private static final int VERSION_NEEDED = 0x6ffffffe;

  private final ByteBuffer elf;
  private final byte[] from;
  private final byte[] to;

  private ElfRelink(byte[] library, String from, String to) {
    this.elf = ByteBuffer.wrap(library.clone()).order(ByteOrder.LITTLE_ENDIAN);
    this.from = from.getBytes(StandardCharsets.US_ASCII);
    this.to = to.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * A copy of a library that needs {@code to} where it needed {@code from}.
   *
   * @throws IllegalArgumentException if it is no such library, or does not need {@code from}
   */
  public static byte[] relink(byte[] library, String from, String to) {
    if (from.length() != to.length()) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "relink: %s and %s differ in length", from, to));
    }
    if (library.length < 64 || !isElf64(library)) {
      throw new IllegalArgumentException("relink: not a 64-bit little-endian ELF library");
    }
    return new ElfRelink(library, from, to).relink();
  }

  private static boolean isElf64(byte[] library) {
    return library[0] == 0x7f
        && library[1] == 'E'
        && library[2] == 'L'
        && library[3] == 'F'
        && library[4] == 2
        && library[5] == 1;
  }

  /** The hash of a symbol version's name, as the System V ABI has it. */
  static int hash(byte[] name) {
    int hash = 0;
    for (byte character : name) {
      hash = (hash << 4) + character;
      int high = hash & 0xf0000000;
      hash = (hash ^ (high >>> 24)) & ~high;
    }
    return hash;
  }

  /** Where a section lies, and the section it refers to. */
  private record Section(int type, int offset, int size, int link, int info) {}

  private byte[] relink() {
    Section strings = null;
    Section versions = null;
    int count = Short.toUnsignedInt(elf.getShort(0x3c));
    for (int i = 0; i < count; i++) {
      Section section = section(i);
      if (section.type == DYNAMIC) {
        strings = section(section.link);
      } else if (section.type == VERSION_NEEDED) {
        versions = section;
      }
    }
    if (strings == null || !rename(strings)) {
      throw new IllegalArgumentException(
          "relink: the library does not need " + new String(from, StandardCharsets.US_ASCII));
    }
    if (versions != null) {
      rehash(versions, strings);
    }
    return elf.array();
  }

  private Section section(int index) {
    int at = Math.toIntExact(elf.getLong(0x28)) + index * elf.getShort(0x3a);
    return new Section(
        elf.getInt(at + 4),
        Math.toIntExact(elf.getLong(at + 24)),
        Math.toIntExact(elf.getLong(at + 32)),
        elf.getInt(at + 40),
        elf.getInt(at + 44));
  }

  /** Replaces the name wherever it is a whole string. */
  private boolean rename(Section strings) {
    boolean found = false;
    for (int at = strings.offset; at + from.length < strings.offset + strings.size; at++) {
      if (elf.get(at - 1) == 0 && elf.get(at + from.length) == 0 && holds(at, from)) {
        elf.put(at, to);
        found = true;
      }
    }
    return found;
  }

  private boolean holds(int at, byte[] name) {
    for (int i = 0; i < name.length; i++) {
      if (elf.get(at + i) != name[i]) {
        return false;
      }
    }
    return true;
  }

  /** Hashes anew the symbol versions that have the new name: a list of files, each of versions. */
  private void rehash(Section versions, Section strings) {
    int file = versions.offset;
    for (int i = 0; i < versions.info; i++) {
      int version = file + elf.getInt(file + 8);
      for (int j = 0; j < Short.toUnsignedInt(elf.getShort(file + 2)); j++) {
        int name = strings.offset + elf.getInt(version + 8);
        if (holds(name, to) && elf.get(name + to.length) == 0) {
          elf.putInt(version, hash(to));
        }
        version += elf.getInt(version + 12);
      }
      file += elf.getInt(file + 12);
    }
  }
}
