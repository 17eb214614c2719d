package dev.sextant.nas.workers;

/**
 * The processes that train one network together. Each makes the same steps on its share of every
 * batch, and what a backward pass leaves is summed over them, in the order of their ranks, so that
 * all go on with the same bits.
 *
 * <p>Every worker makes the same calls in the same order. Confined to one thread.
 */
public interface Workers {
  /** One process by itself: batches are whole, and nothing is summed. */
  Workers ALONE =
      new Workers() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int count() {
          return 1;
        }

        @Override
        public void sum(float[] values, int length) {}

        @Override
        public void meet() {}
      };

  /** {@return which of the workers this is, from 0; 0 alone writes files} */
  int rank();

  /** {@return how many there are} */
  int count();

  /**
   * Replaces values by their sums over all workers, each added from rank 0 on.
   *
   * @param values the same number of them on each worker
   * @param length how many of them
   * @throws dev.sextant.tensor.SextantException if a worker is gone, or says nothing for too long
   */
  void sum(float[] values, int length);

  /**
   * Waits until all have come here, however long one measures or writes.
   *
   * @throws dev.sextant.tensor.SextantException if a worker is gone
   */
  void meet();
}
