package dev.sextant.bench.paths;

/** One unit of work, ready to be repeated; what it needs is allocated when it is made. */
interface Work extends AutoCloseable {
  /**
   * Does the work once.
   *
   * @return something that depends on it
   */
  Object run();

  @Override
  void close();
}
