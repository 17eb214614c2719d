package dev.sextant.tensor;

import dev.sextant.tensor.Memory.Category;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The account of a {@link Memory}: its live blocks, and how many bytes each category holds. */
final class Holdings {
  private final long[] current = new long[Category.values().length];
  private final long[] peak = new long[Category.values().length];
  private long totalCurrent;
  private long totalPeak;
  private long transientPeak;
  private @Nullable Storage live;

  /** A block is live from now on. */
  void add(Storage storage) {
    count(storage.category, storage.requestedBytes);
    link(storage);
  }

  /** A block is live no more. */
  void remove(Storage storage) {
    count(storage.category, -storage.requestedBytes);
    unlink(storage);
  }

  private void count(Category category, long bytes) {
    int i = category.ordinal();
    current[i] += bytes;
    peak[i] = Math.max(peak[i], current[i]);
    totalCurrent += bytes;
    totalPeak = Math.max(totalPeak, totalCurrent);
    transientPeak = Math.max(transientPeak, transientBytes());
  }

  private long transientBytes() {
    return current[Category.ACTIVATIONS.ordinal()] + current[Category.WORKSPACE.ordinal()];
  }

  private void link(Storage storage) {
    storage.previous = null;
    storage.next = live;
    if (live != null) {
      live.previous = storage;
    }
    live = storage;
  }

  private void unlink(Storage storage) {
    if (storage.previous != null) {
      storage.previous.next = storage.next;
    } else {
      live = storage.next;
    }
    if (storage.next != null) {
      storage.next.previous = storage.previous;
    }
    storage.previous = null;
    storage.next = null;
  }

  long current(Category category) {
    return current[category.ordinal()];
  }

  long peak(Category category) {
    return peak[category.ordinal()];
  }

  long current() {
    return totalCurrent;
  }

  long peak() {
    return totalPeak;
  }

  long transientPeak() {
    return transientPeak;
  }

  void resetPeaks() {
    System.arraycopy(current, 0, peak, 0, current.length);
    totalPeak = totalCurrent;
    transientPeak = transientBytes();
  }

  /** See {@link Memory#largestHolders}. */
  String largest() {
    Map<String, Long> byLabel = new TreeMap<>();
    for (Storage storage = live; storage != null; storage = storage.next) {
      byLabel.merge(storage.label, storage.requestedBytes, Long::sum);
    }
    List<Map.Entry<String, Long>> holders = new ArrayList<>(byLabel.entrySet());
    holders.sort(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()));
    StringBuilder text = new StringBuilder("held now: ").append(Memory.human(totalCurrent));
    String separator = ", most by ";
    for (Map.Entry<String, Long> holder : holders.subList(0, Math.min(5, holders.size()))) {
      text.append(separator)
          .append(holder.getKey())
          .append(' ')
          .append(Memory.human(holder.getValue()));
      separator = ", ";
    }
    return text.toString();
  }
}
