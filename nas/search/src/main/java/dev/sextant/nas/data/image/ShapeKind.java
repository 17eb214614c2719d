package dev.sextant.nas.data.image;

/** Shapes that built-in images are made of. */
public enum ShapeKind {
  /** A full circle. */
  DISC,
  /** A circle's edge. */
  RING,
  /** Twice as wide as high. */
  RECTANGLE,
  /** A square's edge. */
  FRAME,
  /** Of three equal sides. */
  TRIANGLE,
  /** Two bars across each other. */
  CROSS,
  /** A disc with a bite out of it. */
  CRESCENT,
  /** Stripes in a circle. */
  GRATING,
  /** A chess board in a circle. */
  CHECKERS,
  /** Two bars side by side. */
  BARS;

  /**
   * {@return how far a point lies inside the shape of radius 1, negative outside; exactly rounded
   * arithmetic, so that it is the same on every machine}
   *
   * @param u from the centre, in radii
   * @param v from the centre, in radii
   */
  public double inside(double u, double v) {
    double distance = Math.sqrt(u * u + v * v);
    double square = Math.max(Math.abs(u), Math.abs(v));
    return switch (this) {
      case DISC -> 0.9 - distance;
      case RING -> 0.16 - Math.abs(distance - 0.75);
      case RECTANGLE -> Math.min(0.9 - Math.abs(u), 0.4 - Math.abs(v));
      case FRAME -> 0.14 - Math.abs(square - 0.6);
      case TRIANGLE -> 0.5 - Math.max(v, Math.max(0.866 * u - 0.5 * v, -0.866 * u - 0.5 * v));
      case CROSS ->
          Math.max(
              Math.min(0.25 - Math.abs(u), 0.9 - Math.abs(v)),
              Math.min(0.9 - Math.abs(u), 0.25 - Math.abs(v)));
      case CRESCENT -> {
        double bite = Math.sqrt((u - 0.5) * (u - 0.5) + v * v);
        yield Math.min(0.9 - distance, bite - 0.65);
      }
      case GRATING -> Math.min(0.95 - distance, wave(u, 0.6));
      case CHECKERS -> {
        double a = wave(u, 0.9);
        double b = wave(v, 0.9);
        double cell = Math.min(Math.abs(a), Math.abs(b));
        yield Math.min(0.95 - distance, a * b > 0 ? cell : -cell);
      }
      case BARS -> Math.min(0.9 - Math.abs(v), 0.2 - Math.abs(Math.abs(u) - 0.5));
    };
  }

  /** Distance to the nearest edge of stripes of that period, positive inside a stripe. */
  private static double wave(double u, double period) {
    double phase = u / period - Math.floor(u / period);
    return (0.25 - Math.abs(phase - 0.5)) * period;
  }
}
