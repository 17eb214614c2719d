package dev.sextant.kernels.emulator;

/**
 * The instructions that touch registers alone. Rounded as PTX says; the approximations (ex2, lg2)
 * are computed in double and rounded once, closer than a GPU has them. All 32 lanes are computed,
 * in loops that the JIT compiler turns to vectors, and those that take part are kept.
 */
final class Arithmetic {
  private static final int LANES = Warp.LANES;

  private final float[] floats = new float[LANES];
  private final int[] words = new int[LANES];
  private final long[] addresses = new long[LANES];
  private final int[] at = new int[4];

  void execute(Execution execution, Warp w, Instruction i, int mask) {
    String operands = i.opcode.operands;
    for (int o = 1; o < i.registers.length; o++) {
      int register = i.registers[o];
      at[o] =
          switch (operands.charAt(o)) {
            case 'F' -> w.floatAt(execution, i, register, mask);
            case 'B' -> w.wordAt(execution, i, register, mask);
            case 'D' -> w.addressAt(execution, i, register, mask);
            default -> w.predicate(execution, i, register, mask);
          };
    }
    int to = i.registers[0];
    switch (operands.charAt(0)) {
      case 'F' -> {
        computeFloats(w.floats, w.words, i);
        keep(floats, w.floats, w.setFloat(to, mask), mask);
      }
      case 'B' -> {
        computeWords(execution, w, i, mask);
        keep(words, w.words, w.setWord(to, mask), mask);
      }
      case 'D' -> {
        computeAddresses(w.addresses, w.words, i);
        keep(addresses, w.addresses, w.setAddress(to, mask), mask);
      }
      default -> w.setPredicate(to, mask, truth(w, i));
    }
  }

  private static void keep(float[] from, float[] to, int first, int mask) {
    if (mask == -1) {
      System.arraycopy(from, 0, to, first, LANES);
    } else {
      for (int l = 0; l < LANES; l++) {
        to[first + l] = (mask >>> l & 1) != 0 ? from[l] : to[first + l];
      }
    }
  }

  private static void keep(int[] from, int[] to, int first, int mask) {
    if (mask == -1) {
      System.arraycopy(from, 0, to, first, LANES);
    } else {
      for (int l = 0; l < LANES; l++) {
        to[first + l] = (mask >>> l & 1) != 0 ? from[l] : to[first + l];
      }
    }
  }

  private static void keep(long[] from, long[] to, int first, int mask) {
    if (mask == -1) {
      System.arraycopy(from, 0, to, first, LANES);
    } else {
      for (int l = 0; l < LANES; l++) {
        to[first + l] = (mask >>> l & 1) != 0 ? from[l] : to[first + l];
      }
    }
  }

  private void computeFloats(float[] f, int[] r, Instruction i) {
    int a = at[1];
    int b = at[2];
    int c = at[3];
    float[] out = floats;
    switch (i.opcode) {
      case MOV_F32 -> System.arraycopy(f, a, out, 0, LANES);
      case CVT_F32_S32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = r[a + l];
        }
      }
      case ADD_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = f[a + l] + f[b + l];
        }
      }
      case SUB_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = f[a + l] - f[b + l];
        }
      }
      case MUL_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = f[a + l] * f[b + l];
        }
      }
      case FMA_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = Math.fma(f[a + l], f[b + l], f[c + l]);
        }
      }
      case DIV_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = f[a + l] / f[b + l];
        }
      }
      case SQRT_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (float) Math.sqrt(f[a + l]);
        }
      }
      case MAX_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = larger(f[a + l], f[b + l]);
        }
      }
      case EX2_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (float) Math.exp(f[a + l] * Math.log(2));
        }
      }
      case LG2_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (float) (Math.log(f[a + l]) / Math.log(2));
        }
      }
      case SELP_F32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (c >>> l & 1) != 0 ? f[a + l] : f[b + l];
        }
      }
      default -> throw new IllegalStateException(i.text);
    }
  }

  /** The larger of two; the other one if one is not a number. */
  private static float larger(float a, float b) {
    if (Float.isNaN(a)) {
      return b;
    }
    return Float.isNaN(b) ? a : Math.max(a, b);
  }

  private void computeWords(Execution execution, Warp w, Instruction i, int mask) {
    int[] r = w.words;
    int a = at[1];
    int b = at[2];
    int c = at[3];
    int[] out = words;
    switch (i.opcode) {
      case MOV_B32, MOV_U32 -> System.arraycopy(r, a, out, 0, LANES);
      case ADD_S32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = r[a + l] + r[b + l];
        }
      }
      case SUB_S32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = r[a + l] - r[b + l];
        }
      }
      case MUL_S32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = r[a + l] * r[b + l];
        }
      }
      case MAD_S32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = r[a + l] * r[b + l] + r[c + l];
        }
      }
      case DIV_U32 -> {
        for (int rest = mask; rest != 0; rest &= rest - 1) {
          int l = Integer.numberOfTrailingZeros(rest);
          if (r[b + l] == 0) {
            throw execution.error(w, i, 1 << l, "division by zero");
          }
          out[l] = Integer.divideUnsigned(r[a + l], r[b + l]);
        }
      }
      case MIN_S32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = Math.min(r[a + l], r[b + l]);
        }
      }
      case SHR_U32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = r[a + l] >>> r[b + l];
        }
      }
      case SELP_B32 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (c >>> l & 1) != 0 ? r[a + l] : r[b + l];
        }
      }
      default -> throw new IllegalStateException(i.text);
    }
  }

  private void computeAddresses(long[] d, int[] r, Instruction i) {
    int a = at[1];
    int b = at[2];
    int c = at[3];
    long[] out = addresses;
    switch (i.opcode) {
      case MOV_B64, CVTA -> System.arraycopy(d, a, out, 0, LANES);
      case MAD_WIDE -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (long) r[a + l] * r[b + l] + d[c + l];
        }
      }
      case MUL_WIDE -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = (long) r[a + l] * r[b + l];
        }
      }
      case ADD_S64 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = d[a + l] + d[b + l];
        }
      }
      case MUL_S64 -> {
        for (int l = 0; l < LANES; l++) {
          out[l] = d[a + l] * d[b + l];
        }
      }
      default -> throw new IllegalStateException(i.text);
    }
  }

  /** The lanes in which a comparison, or a combination of predicates, holds. */
  private int truth(Warp w, Instruction i) {
    int[] r = w.words;
    float[] f = w.floats;
    int a = at[1];
    int b = at[2];
    int truth = 0;
    switch (i.opcode) {
      case AND_PRED -> truth = a & b;
      case OR_PRED -> truth = a | b;
      case NOT_PRED -> truth = ~a;
      case SETP_LT_S32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= r[a + l] < r[b + l] ? 1 << l : 0;
        }
      }
      case SETP_LT_U32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= Integer.compareUnsigned(r[a + l], r[b + l]) < 0 ? 1 << l : 0;
        }
      }
      case SETP_EQ_S32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= r[a + l] == r[b + l] ? 1 << l : 0;
        }
      }
      case SETP_LT_F32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= f[a + l] < f[b + l] ? 1 << l : 0;
        }
      }
      case SETP_GT_F32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= f[a + l] > f[b + l] ? 1 << l : 0;
        }
      }
      case SETP_GTU_F32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= !(f[a + l] <= f[b + l]) ? 1 << l : 0;
        }
      }
      case SETP_EQ_F32 -> {
        for (int l = 0; l < LANES; l++) {
          truth |= f[a + l] == f[b + l] ? 1 << l : 0;
        }
      }
      default -> throw new IllegalStateException(i.text);
    }
    return truth;
  }
}
