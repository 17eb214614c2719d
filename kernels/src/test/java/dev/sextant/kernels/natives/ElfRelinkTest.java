package dev.sextant.kernels.natives;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Relinking, on JCuda's own cuBLAS binding. */
class ElfRelinkTest {
  private static final String TWELVE = "libcublas.so.12";
  private static final String THIRTEEN = "libcublas.so.13";

  private static byte[] binding() throws IOException {
    String name = "lib/libJCublas2-12.6.0-linux-x86_64.so";
    try (InputStream in = ElfRelinkTest.class.getClassLoader().getResourceAsStream(name)) {
      assertTrue(in != null, name + " is not on the class path");
      return in.readAllBytes();
    }
  }

  private static boolean names(byte[] library, String name) {
    return new String(library, StandardCharsets.ISO_8859_1).contains('\0' + name + '\0');
  }

  @Test
  void theNameAndTheHashOfItsVersionChange() throws IOException {
    byte[] original = binding();
    byte[] relinked = ElfRelink.relink(original, TWELVE, THIRTEEN);
    assertTrue(names(original, TWELVE));
    assertFalse(names(relinked, TWELVE));
    assertTrue(names(relinked, THIRTEEN));
    int changed = 0;
    for (int i = 0; i < original.length; i++) {
      changed += original[i] == relinked[i] ? 0 : 1;
    }
    // '2' to '3' in the name, and in the last digit of the hash of the one version.
    assertEquals(2, changed);
    assertArrayEquals(original, ElfRelink.relink(relinked, THIRTEEN, TWELVE));
  }

  @Test
  void hashesAsTheLinkerDoes() {
    // From the version references of the C library: readelf prints them as hashes of these names.
    assertEquals(0x09691a75, ElfRelink.hash("GLIBC_2.2.5".getBytes(StandardCharsets.US_ASCII)));
    assertEquals(0x06969194, ElfRelink.hash("GLIBC_2.14".getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void whatCannotBeRelinkedIsRefused() throws IOException {
    byte[] original = binding();
    assertThrows(
        IllegalArgumentException.class, () -> ElfRelink.relink(original, TWELVE, "libcublas.so.9"));
    assertThrows(
        IllegalArgumentException.class,
        () -> ElfRelink.relink(original, "libcublas.so.77", THIRTEEN));
    assertThrows(
        IllegalArgumentException.class, () -> ElfRelink.relink(new byte[100], TWELVE, THIRTEEN));
  }
}
