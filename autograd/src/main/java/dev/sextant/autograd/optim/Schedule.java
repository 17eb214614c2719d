package dev.sextant.autograd.optim;

import dev.sextant.tensor.SextantException;

/** A learning rate as a function of how far training has come. */
public sealed interface Schedule {
  /**
   * {@return the rate for a step}
   *
   * @param step from 0; past {@code total} the rate stays as it was at its end, where it has one
   * @param total steps in all, at least 1
   */
  double rate(long step, long total);

  /**
   * The same rate throughout.
   *
   * @param base the rate
   */
  record Constant(double base) implements Schedule {
    @Override
    public double rate(long step, long total) {
      return base;
    }
  }

  /**
   * base + (last - base) (1 - cos(pi t)) / 2 (Loshchilov and Hutter, 2017), t = step / total.
   *
   * @param base the first rate
   * @param last the rate that it ends at
   */
  record Cosine(double base, double last) implements Schedule {
    @Override
    public double rate(long step, long total) {
      return last + (base - last) * (1 + Math.cos(Math.PI * Math.min(step, total) / total)) / 2;
    }
  }

  /**
   * base growth^t, t = step / total: from base to growth times base.
   *
   * @param base the first rate
   * @param growth last rate by first rate
   */
  record Exponential(double base, double growth) implements Schedule {
    /** Checks the growth. */
    public Exponential {
      if (!(growth > 0)) {
        throw new SextantException("schedule: a growth of " + growth);
      }
    }

    @Override
    public double rate(long step, long total) {
      return base * Math.pow(growth, (double) Math.min(step, total) / total);
    }
  }

  /**
   * base multiplied by {@code factor} every {@code every} steps.
   *
   * @param base the first rate
   * @param factor of the rate at each stair
   * @param every steps of a stair, at least 1
   */
  record Staircase(double base, double factor, long every) implements Schedule {
    /** Checks the interval. */
    public Staircase {
      if (every < 1) {
        throw new SextantException("schedule: a stair of " + every + " steps");
      }
    }

    @Override
    public double rate(long step, long total) {
      return base * Math.pow(factor, step / every);
    }
  }

  /**
   * Another schedule, which gets the remaining steps, after {@code steps} steps of linear growth:
   * step i of them has (i + 1) / (steps + 1) of its first rate.
   *
   * @param steps length of the growth
   * @param then what follows it
   */
  record WarmUp(long steps, Schedule then) implements Schedule {
    /** Checks the number of steps. */
    public WarmUp {
      if (steps < 0) {
        throw new SextantException("schedule: a warm-up of " + steps + " steps");
      }
    }

    @Override
    public double rate(long step, long total) {
      return step < steps
          ? then.rate(0, Math.max(1, total - steps)) * (step + 1) / (steps + 1)
          : then.rate(step - steps, Math.max(1, total - steps));
    }
  }
}
