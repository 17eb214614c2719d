package dev.sextant.nas.provider;

import java.util.List;

/**
 * Something with a name that a run can be asked for, built in or from a jar on the module path: the
 * {@code provides} of its module, or a file in {@code META-INF/services}, names its class, which
 * has a public constructor without parameters. Immutable, and safe to use from any thread.
 */
public interface Provider {
  /**
   * {@return what the command line and {@code run.json} call it, as in {@code proxyless-g}:
   * lower-case letters, digits and dashes}
   */
  String id();

  /** {@return what it is, in one line of help, without a full stop} */
  String summary();

  /** {@return the numbers and texts of its own that a user may set} */
  default List<Option> options() {
    return List.of();
  }
}
