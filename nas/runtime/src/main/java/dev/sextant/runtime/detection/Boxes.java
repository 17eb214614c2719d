package dev.sextant.runtime.detection;

/** Boxes as four numbers: left, upper, right and lower edge. */
public final class Boxes {
  private Boxes() {}

  /**
   * {@return the area that two boxes share over that of their union (IoU), 0 to 1; 0 where both are
   * empty}
   *
   * @param a holds the first box
   * @param i index of its left edge
   * @param b holds the second box
   * @param j index of its left edge
   */
  public static double overlap(float[] a, int i, float[] b, int j) {
    double shared = shared(a, i, b, j);
    double union = area(a, i) + area(b, j) - shared;
    return union > 0 ? shared / union : 0;
  }

  /**
   * {@return the area that two boxes share}
   *
   * @param a holds the first box
   * @param i index of its left edge
   * @param b holds the second box
   * @param j index of its left edge
   */
  public static double shared(float[] a, int i, float[] b, int j) {
    double width = (double) Math.min(a[i + 2], b[j + 2]) - Math.max(a[i], b[j]);
    double height = (double) Math.min(a[i + 3], b[j + 3]) - Math.max(a[i + 1], b[j + 1]);
    return width > 0 && height > 0 ? width * height : 0;
  }

  /**
   * {@return the area of a box}
   *
   * @param box holds it
   * @param i index of its left edge
   */
  public static double area(float[] box, int i) {
    return ((double) box[i + 2] - box[i]) * ((double) box[i + 3] - box[i + 1]);
  }
}
