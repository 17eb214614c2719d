package dev.sextant.nas.compare;

import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.Owner;
import dev.sextant.nas.workers.Cluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The runs of one or several comparisons, one budget each, say: all that have not ended, seed by
 * seed, on whatever there is to run them. Each comparison's files are written anew as its runs end.
 *
 * <p>Confined to one thread.
 *
 * @param comparisons in the order of their runs
 */
public record Sweep(List<MethodComparison> comparisons) {
  /** Copies the list. */
  public Sweep {
    comparisons = List.copyOf(comparisons);
  }

  /** One run that is still to be made. */
  private record Due(MethodComparison comparison, Owner owner, String folder) {}

  /**
   * Makes all runs that have not ended. One that goes wrong is noted and the others go on; the next
   * call tries it again.
   *
   * @param cluster that makes them
   * @param checkpointSeconds between checkpoints of a run
   * @param takeOver whether the processes that held runs are known to be gone
   * @param progress told of every step of runs in this process, and of each that ends elsewhere
   * @return how far each comparison has come
   * @throws dev.sextant.tensor.SextantException if another process has a comparison's directory, or
   *     it cannot be written
   */
  public List<Standing> run(
      Cluster cluster, double checkpointSeconds, boolean takeOver, Progress progress) {
    List<Owner> owners = new ArrayList<>();
    try {
      for (MethodComparison comparison : comparisons) {
        if (takeOver) {
          Owner.release(comparison.directory());
        }
        owners.add(Owner.of(comparison.directory()));
        comparison.forgetFailures();
      }
      List<Due> due = new ArrayList<>();
      List<RunTask> tasks = new ArrayList<>();
      int seeds = comparisons.stream().mapToInt(c -> c.plan().seeds()).max().orElse(0);
      for (int seed = 1; seed <= seeds; seed++) {
        for (int i = 0; i < comparisons.size(); i++) {
          MethodComparison comparison = comparisons.get(i);
          for (MethodComparison.Run run : comparison.due(seed)) {
            due.add(new Due(comparison, owners.get(i), run.folder()));
            tasks.add(
                new RunTask(
                    comparison.directory().resolve(run.folder()),
                    run.title(),
                    checkpointSeconds,
                    takeOver,
                    progress));
          }
        }
      }
      int[] ended = {0};
      cluster.each(
          tasks,
          false,
          (task, answer, failure) -> {
            Due run = due.get(task);
            run.owner.check();
            run.comparison.ended(run.folder, failure);
            if (cluster != Cluster.HERE) {
              progress.message(
                  String.format(
                      Locale.ROOT,
                      "%d of %d runs: %s %s",
                      ++ended[0],
                      tasks.size(),
                      run.comparison.directory().resolve(run.folder),
                      failure == null ? "has ended" : "went wrong: " + failure));
            }
          });
      return comparisons.stream().map(MethodComparison::write).toList();
    } finally {
      owners.forEach(Owner::close);
    }
  }
}
