package dev.sextant.nas.cells;

/**
 * Adam (Kingma and Ba, 2015) for architecture parameters, in double, with L2 decay added to the
 * gradient.
 */
public final class ArchitectureAdam {
  private static final double EPSILON = 1e-8;

  private final Config config;
  private double[] mean = {};
  private double[] square = {};
  private int steps;

  /**
   * Its constants.
   *
   * @param rate fixed learning rate
   */
  public record Config(double rate, double beta1, double beta2, double decay) {
    /** DARTS's. */
    public static final Config DARTS = new Config(3e-4, 0.5, 0.999, 1e-3);

    /** PC-DARTS's. */
    public static final Config PC_DARTS = new Config(6e-4, 0.5, 0.999, 1e-3);
  }

  /** What a checkpoint keeps: moments as {@link CellParameters#values} orders them. */
  public record State(double[] mean, double[] square, int steps) {}

  /** An optimizer that has taken no step. */
  public ArchitectureAdam(Config config) {
    this.config = config;
  }

  /** Changes the parameters by a gradient. */
  public void step(CellParameters parameters, CellParameters gradient) {
    double[] x = parameters.values();
    double[] g = gradient.values();
    if (steps == 0) {
      mean = new double[x.length];
      square = new double[x.length];
    }
    steps++;
    double correction1 = 1 - Math.pow(config.beta1, steps);
    double correction2 = 1 - Math.pow(config.beta2, steps);
    for (int i = 0; i < x.length; i++) {
      double d = g[i] + config.decay * x[i];
      mean[i] = config.beta1 * mean[i] + (1 - config.beta1) * d;
      square[i] = config.beta2 * square[i] + (1 - config.beta2) * d * d;
      x[i] -=
          config.rate * (mean[i] / correction1) / (Math.sqrt(square[i] / correction2) + EPSILON);
    }
    parameters.set(x);
  }

  /** The state, for a checkpoint. */
  public State state() {
    return new State(mean.clone(), square.clone(), steps);
  }

  /** Continues from a checkpoint. */
  public void restore(State saved) {
    mean = saved.mean.clone();
    square = saved.square.clone();
    steps = saved.steps;
  }
}
