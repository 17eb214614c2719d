package dev.sextant.nas.workers;

import dev.sextant.tensor.SextantException;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Processes, here or on other machines, that do what they are given. What it is for one machine is
 * {@link #HERE}; others come from outside, by {@link ClusterProvider}.
 *
 * <p>Confined to one thread.
 */
public interface Cluster extends AutoCloseable {
  /** Something to do that leaves its result in files that all machines share, or in its answer. */
  interface Task extends Serializable {
    /**
     * Does it.
     *
     * @param attempt 0 at first; more where the process that did it before was lost
     * @return what is told of it
     */
    String run(int attempt);
  }

  /** Something that workers do together. */
  interface Joint extends Serializable {
    /**
     * Does this worker's part.
     *
     * @param workers this one and the others
     * @param attempt 0 at first; more where workers were lost before
     */
    void run(Workers workers, int attempt);
  }

  /** Told of every task that has ended. */
  interface Ended {
    /**
     * Takes note, on the thread that waits for the tasks.
     *
     * @param task which of them
     * @param answer what it returned, or null if it went wrong
     * @param failure what went wrong, in a sentence, or null
     */
    void task(int task, @Nullable String answer, @Nullable String failure);
  }

  /** This process alone: one task after another. */
  Cluster HERE =
      new Cluster() {
        @Override
        public void each(List<? extends Task> tasks, boolean wholeMachines, Ended ended) {
          for (int i = 0; i < tasks.size(); i++) {
            try {
              ended.task(i, tasks.get(i).run(0), null);
            } catch (SextantException e) {
              ended.task(i, null, String.valueOf(e.getMessage()));
            }
          }
        }

        @Override
        public void together(int workers, Joint joint) {
          joint.run(Workers.ALONE, 0);
        }

        @Override
        public int machines() {
          return 1;
        }

        @Override
        public void close() {}
      };

  /**
   * Does tasks, as many at a time as there is room for, and begins again those whose process is
   * lost.
   *
   * @param tasks none of which waits for another
   * @param wholeMachines whether none may have a neighbour on its machine, as what measures must
   *     not
   * @param ended told of each
   * @throws dev.sextant.tensor.SextantException if no process can be had
   */
  void each(List<? extends Task> tasks, boolean wholeMachines, Ended ended);

  /**
   * Has workers do something together, from the beginning again if one of them is lost.
   *
   * @param workers how many
   * @param joint what they do, which goes on from what it has left in shared files
   * @throws dev.sextant.tensor.SextantException if it goes wrong
   */
  void together(int workers, Joint joint);

  /** {@return how many machines there are} */
  int machines();

  /** Gives the processes back. */
  @Override
  void close();
}
