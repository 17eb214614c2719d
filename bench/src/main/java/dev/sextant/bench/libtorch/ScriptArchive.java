package dev.sextant.bench.libtorch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The bytes that {@code torch.jit.save} would write for a module without parameters: a zip of the
 * module's source and of two pickles, its attributes and its (empty) constants.
 */
final class ScriptArchive {
  private static final String CLASS =
      """
      class Script(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
      """;

  /** Pickle, protocol 2: an object of the class with the one attribute training = True. */
  private static final String ATTRIBUTES =
      "\u0080\u0002c__torch__\nScript\n)\u0081}(X\b\0\0\0training\u0088ub.";

  /** Pickle, protocol 2: the empty tuple. */
  private static final String CONSTANTS = "\u0080\u0002).";

  private ScriptArchive() {}

  /**
   * An archive of a module with the method forward, which takes and returns a list of tensors.
   *
   * @param body statements of forward, one a line, that read the list {@code t} and return a list
   */
  static byte[] of(String body) {
    String source =
        CLASS
            + "  def forward(self: __torch__.Script, t: List[Tensor]) -> List[Tensor]:\n"
            + body.stripTrailing().indent(4);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      put(zip, "script/version", "3\n".getBytes(StandardCharsets.UTF_8));
      put(zip, "script/data.pkl", ATTRIBUTES.getBytes(StandardCharsets.ISO_8859_1));
      put(zip, "script/constants.pkl", CONSTANTS.getBytes(StandardCharsets.ISO_8859_1));
      put(zip, "script/code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Adds an entry as it is: libtorch's reader wants sizes before the data. */
  private static void put(ZipOutputStream zip, String name, byte[] data) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(data.length);
    CRC32 crc = new CRC32();
    crc.update(data);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(data);
    zip.closeEntry();
  }
}
