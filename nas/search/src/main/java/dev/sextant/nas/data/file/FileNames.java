package dev.sextant.nas.data.file;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Set;

/** Names of files as people mean them. */
public final class FileNames {
  /** What systems, archives and disks leave in folders. */
  private static final Set<String> LEFT_BEHIND =
      Set.of(
          "__MACOSX",
          "Icon\r",
          "@eaDir",
          "#recycle",
          "#snapshot",
          "lost+found",
          "$RECYCLE.BIN",
          "System Volume Information",
          "Thumbs.db",
          "desktop.ini");

  private FileNames() {}

  /**
   * {@return the last name of a path in UTF-8, whatever the locale: in a locale such as C, Java
   * keeps a path's bytes but turns letters beyond ASCII into question marks where it shows them}
   *
   * @param path of a file or folder
   */
  public static String of(Path path) {
    Path last = path.getFileName();
    if (last == null) {
      return "";
    }
    String name = last.toString();
    if (!isGarbled(name)) {
      return name;
    }
    String uri = path.toAbsolutePath().toUri().getRawPath();
    int end = uri.endsWith("/") ? uri.length() - 1 : uri.length();
    String raw = uri.substring(uri.lastIndexOf('/', end - 1) + 1, end);
    return URLDecoder.decode(raw.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  /**
   * {@return whether letters of a name are lost, because the locale does not have them}
   *
   * @param name as {@link #of} gives it
   */
  public static boolean isGarbled(String name) {
    return name.indexOf('\uFFFD') >= 0;
  }

  /**
   * {@return the composed form (NFC): macOS's file systems take letters apart (NFD)}
   *
   * @param name as {@link #of} gives it
   */
  public static String composed(String name) {
    return Normalizer.normalize(name, Normalizer.Form.NFC);
  }

  /** Whether a name is hidden or none that a person gave. */
  static boolean isLeftBehind(String name) {
    return name.startsWith(".") || LEFT_BEHIND.contains(name);
  }
}
