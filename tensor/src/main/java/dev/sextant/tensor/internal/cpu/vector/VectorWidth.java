package dev.sextant.tensor.internal.cpu.vector;

import dev.sextant.tensor.SextantException;
import java.util.Locale;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * How wide the kernels' vectors are, decided once: as {@value #PROPERTY} says, else the widest the
 * machine has. The width is part of what makes results repeat bit for bit.
 *
 * <p>Where wide multiplications slow the clock down, 256 bits are faster than 512: the launcher
 * finds out with {@link WidthCalibration}, keeps the answer and sets the property.
 */
public final class VectorWidth {
  /** The system property that sets the width, in bits. */
  public static final String PROPERTY = "sextant.vector.bits";

  private static final Choice CHOICE = choose();

  /**
   * The vectors of all kernels.
   *
   * <p>A vector that a loop carries is an argument of its operation, never the receiver: {@code
   * x.add(sum)}, not {@code sum.add(x)}. All that C2 knows of it at first is {@link FloatVector}.
   * Of an argument it learns the class, and so the instruction, from the comparison with the
   * receiver's; of a receiver from the profile of types alone, and where that is not there yet the
   * operation stays a call for good, with every vector an object.
   */
  public static final VectorSpecies<Float> SPECIES =
      VectorSpecies.of(float.class, VectorShape.forBitSize(CHOICE.bits));

  private VectorWidth() {}

  /** A width and why. */
  private record Choice(int bits, String reason) {}

  /**
   * Checks the system property.
   *
   * @throws SextantException if it is no width that this machine has
   */
  public static void check() {
    String text = System.getProperty(PROPERTY);
    if (text != null && requested(text, widest()) == 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "-D%s=%s: this machine has vectors of 128 to %d bits, in powers of two",
              PROPERTY,
              text,
              widest()));
    }
  }

  /** Bits of a vector. */
  public static int bits() {
    return CHOICE.bits;
  }

  /** Why the vectors have that width. */
  public static String reason() {
    return CHOICE.reason;
  }

  private static Choice choose() {
    int widest = widest();
    String text = System.getProperty(PROPERTY);
    int requested = text == null ? 0 : requested(text, widest);
    if (requested != 0) {
      return new Choice(requested, "set by -D" + PROPERTY);
    }
    return new Choice(widest, "the widest of this machine");
  }

  static int widest() {
    return FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }

  /** A width as the property gives it; 0 if it is none. */
  static int requested(String text, int widest) {
    for (int bits = 128; bits <= widest; bits *= 2) {
      if (text.equals(Integer.toString(bits))) {
        return bits;
      }
    }
    return 0;
  }
}
