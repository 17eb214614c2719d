package dev.sextant.nas.score;

import dev.sextant.nas.space.Decisions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * The networks of a space with the highest scores among those that are allowed: all are looked at
 * where there are at most {@value #ENUMERATED}; in a larger space, those that one or two changes
 * lead to from the best so far, again and again until none of the best has an unseen neighbour.
 *
 * @param options how many options each decision has
 * @param score of a network, the higher the better
 * @param allowed whether a network costs what it may
 */
public record BestNetworks(int[] options, ToDoubleFunction<int[]> score, Predicate<int[]> allowed) {
  /** Networks of a space that are all looked at. */
  static final int ENUMERATED = 100_000;

  /** Networks whose neighbours are looked at. */
  private static final int EXPANDED = 64;

  private record Scored(int[] decisions, double score) {}

  /**
   * {@return the best, the highest score first; fewer where fewer are allowed}
   *
   * @param count how many, at most
   * @param starts where to begin in a space that is too large to look at all; those that are not
   *     allowed count as unseen
   */
  public List<int[]> find(int count, List<int[]> starts) {
    long size = 1;
    for (int of : options) {
      size = Math.min(size * of, ENUMERATED + 1L);
    }
    List<Scored> best = size <= ENUMERATED ? enumerated(size, count) : walked(count, starts);
    return best.stream().map(Scored::decisions).toList();
  }

  private List<Scored> enumerated(long size, int count) {
    List<Scored> best = new ArrayList<>();
    for (long number = 0; number < size; number++) {
      int[] decisions = Decisions.at(options, number);
      if (allowed.test(decisions)) {
        best.add(new Scored(decisions, score.applyAsDouble(decisions)));
        if (best.size() > 64 * count) {
          cut(best, count);
        }
      }
    }
    cut(best, count);
    return best;
  }

  /** Among equals the first of the space's order, so that runs repeat. */
  private static void cut(List<Scored> networks, int count) {
    networks.sort(
        Comparator.comparingDouble(Scored::score)
            .reversed()
            .thenComparing(Scored::decisions, Arrays::compare));
    if (networks.size() > count) {
      networks.subList(count, networks.size()).clear();
    }
  }

  private List<Scored> walked(int count, List<int[]> starts) {
    List<Scored> best = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    starts.forEach(start -> see(start, seen, best));
    cut(best, count);
    Set<String> expanded = new HashSet<>();
    while (expanded.size() < EXPANDED) {
      int[] next = null;
      for (Scored network : best) {
        if (next == null && !expanded.contains(Decisions.text(network.decisions))) {
          next = network.decisions;
        }
      }
      if (next == null) {
        break;
      }
      expanded.add(Decisions.text(next));
      neighbours(next, 0, 2, seen, best);
      cut(best, count);
    }
    return best;
  }

  /** Those with up to so many changes in decisions from the first on. */
  private void neighbours(
      int[] decisions, int first, int changes, Set<String> seen, List<Scored> best) {
    for (int d = first; d < options.length; d++) {
      int own = decisions[d];
      for (int option = 0; option < options[d]; option++) {
        if (option != own) {
          decisions[d] = option;
          see(decisions, seen, best);
          if (changes > 1) {
            neighbours(decisions, d + 1, changes - 1, seen, best);
          }
        }
      }
      decisions[d] = own;
    }
  }

  private void see(int[] decisions, Set<String> seen, List<Scored> best) {
    if (allowed.test(decisions) && seen.add(Decisions.text(decisions))) {
      int[] copy = decisions.clone();
      best.add(new Scored(copy, score.applyAsDouble(copy)));
    }
  }
}
