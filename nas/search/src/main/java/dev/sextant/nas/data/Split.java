package dev.sextant.nas.data;

import dev.sextant.tensor.Rng;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Indices of one {@link Images} in two parts, each ascending.
 *
 * <p>Stratified: every class gives the same share to validation (largest remainder, so that the
 * total is exact). The seed is the split's own, not the search's: searches with different seeds are
 * compared on the same validation images (the ProxylessNAS code fixes it at 0).
 *
 * @param train indices to learn from
 * @param validation indices held out
 */
public record Split(int[] train, int[] validation) {

  /**
   * Holds out a share of the images.
   *
   * @param images whose indices are divided
   * @param fraction of all images, between 0 and 1, both exclusive
   * @param seed of the draw
   * @return the indices of both parts; every class keeps its share
   */
  public static Split stratified(Images images, double fraction, long seed) {
    if (!(fraction > 0 && fraction < 1)) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "split: validation fraction %s is not between 0 and 1", fraction));
    }
    return stratified(images.labels(), fraction, seed);
  }

  /** Of images that are not read yet; at least one and not all are held out. */
  static Split stratified(int[] labels, double fraction, long seed) {
    int count = (int) Math.rint(labels.length * fraction);
    return of(labels, Math.max(1, count), seed);
  }

  /**
   * Holds out that many images, at least 1 and fewer than there are.
   *
   * @param images whose indices are divided
   * @param count images to hold out
   * @param seed of the draw
   * @return the indices of both parts; every class keeps its share
   */
  public static Split stratifiedCount(Images images, int count, long seed) {
    return of(images.labels(), count, seed);
  }

  private static Split of(int[] labels, int count, long seed) {
    int total = labels.length;
    if (count < 1 || count >= total) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "split: %d of %d images cannot be held out for validation",
              count,
              total));
    }
    int[][] members = byClass(labels);
    int[] quota = quotas(members, count, total);
    int[] train = new int[total - count];
    int[] validation = new int[count];
    int trainSize = 0;
    int validationSize = 0;
    for (int k = 0; k < members.length; k++) {
      Rng.of(seed, k).shuffle(members[k]);
      System.arraycopy(members[k], 0, validation, validationSize, quota[k]);
      validationSize += quota[k];
      int rest = members[k].length - quota[k];
      System.arraycopy(members[k], quota[k], train, trainSize, rest);
      trainSize += rest;
    }
    Arrays.sort(train);
    Arrays.sort(validation);
    return new Split(train, validation);
  }

  private static int[][] byClass(int[] labels) {
    int[] sizes = new int[Arrays.stream(labels).max().orElse(-1) + 1];
    for (int label : labels) {
      sizes[label]++;
    }
    int[][] members = new int[sizes.length][];
    for (int k = 0; k < sizes.length; k++) {
      members[k] = new int[sizes[k]];
      sizes[k] = 0;
    }
    for (int i = 0; i < labels.length; i++) {
      int k = labels[i];
      members[k][sizes[k]++] = i;
    }
    return members;
  }

  /** Shares that add up to count: floors first, then one more for the largest remainders. */
  private static int[] quotas(int[][] members, int count, int total) {
    int classes = members.length;
    int[] quota = new int[classes];
    long[] order = new long[classes];
    int assigned = 0;
    for (int k = 0; k < classes; k++) {
      long share = (long) members[k].length * count;
      quota[k] = (int) (share / total);
      assigned += quota[k];
      // Sorted ascending: the largest remainder first, the lower class first among equals.
      order[k] = -(share % total) << 31 | k;
    }
    Arrays.sort(order);
    for (int i = 0; assigned < count; i++, assigned++) {
      quota[(int) (order[i] & Integer.MAX_VALUE)]++;
    }
    return quota;
  }

  /**
   * {@return a share of either part: every so many images, at least one}
   *
   * @param share above 0, at most 1
   */
  public Split share(double share) {
    return new Split(share(train, share), share(validation, share));
  }

  private static int[] share(int[] images, double share) {
    int count = Math.max(1, (int) Math.rint(share * images.length));
    return IntStream.range(0, count)
        .map(i -> images[(int) ((long) i * images.length / count)])
        .toArray();
  }
}
