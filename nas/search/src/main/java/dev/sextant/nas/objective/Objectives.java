package dev.sextant.nas.objective;

import dev.sextant.nas.provider.Providers;
import java.util.List;
import java.util.function.Function;

/** The objectives there are. */
public final class Objectives {
  /** Of losses. */
  private static final double LAMBDA = 0.2;

  /** Of rewards. */
  private static final double BETA = -0.1;

  private record BuiltIn<O extends Objective>(
      String id,
      String summary,
      Class<O> type,
      double lambda,
      String symbol,
      boolean isControlled,
      Function<ObjectiveRequest, O> form,
      Function<ObjectiveRequest, Objective> rewardForm)
      implements ObjectiveProvider<O> {
    static ObjectiveProvider<Loss> loss(
        String name, String summary, String symbol, Function<ObjectiveRequest, Loss> form) {
      return new BuiltIn<>(name, summary, Loss.class, LAMBDA, symbol, true, form, form::apply);
    }

    static ObjectiveProvider<Reward> reward(
        String name, String summary, Function<ObjectiveRequest, Reward> form) {
      return new BuiltIn<>(name, summary, Reward.class, BETA, "β", false, form, form::apply);
    }

    @Override
    public O objective(ObjectiveRequest request) {
      return form.apply(request);
    }

    @Override
    public Objective reward(ObjectiveRequest request) {
      return rewardForm.apply(request);
    }
  }

  /** CE + lambda2 E. */
  public static final ObjectiveProvider<Loss> ADDITIVE =
      BuiltIn.loss(
          "additive",
          "loss CE + lambda E/T",
          "λ₂",
          request -> new Loss.Additive(request.lambda() / request.budget()));

  /** CE + lambda (E / T - 1). */
  public static final ObjectiveProvider<Loss> ADD_LINEAR =
      BuiltIn.loss(
          "add-linear",
          "loss CE + lambda (E/T - 1)",
          "λ",
          request -> new Loss.AddLinear(request.lambda(), request.budget()));

  /** CE + lambda ln E. */
  public static final ObjectiveProvider<Loss> ADD_LOG =
      BuiltIn.loss(
          "add-log", "loss CE + lambda ln E", "λ", request -> new Loss.AddLog(request.lambda()));

  /** alpha CE (ln E / ln T)^beta. */
  public static final ObjectiveProvider<Loss> MUL_LOG =
      BuiltIn.loss(
          "mul-log",
          "loss CE (ln E / ln T)^lambda",
          "β",
          request ->
              new Loss.MulLog(
                  Loss.MulLog.PUBLISHED_ALPHA,
                  request.lambda(),
                  request.budget(),
                  Loss.MulLog.PUBLISHED_TARGET));

  /** Q + beta |E / T - 1|; with -CE in the place of Q for policies that follow gradients. */
  public static final ObjectiveProvider<Loss> ABSOLUTE =
      new BuiltIn<>(
          "absolute",
          "reward Q + lambda |E/T - 1|; with -CE as Q for policies that follow gradients",
          Loss.class,
          BETA,
          "β",
          false,
          request -> new Loss.Absolute(request.lambda(), request.budget()),
          request -> new Reward.Absolute(request.lambda(), request.budget()));

  /** Q (E / T)^beta. */
  public static final ObjectiveProvider<Reward> SOFT =
      BuiltIn.reward(
          "soft",
          "reward Q (E/T)^lambda",
          request -> new Reward.Soft(request.lambda(), request.budget()));

  /** Q min((E / T)^beta, 1). */
  public static final ObjectiveProvider<Reward> HARD =
      BuiltIn.reward(
          "hard",
          "reward Q min((E/T)^lambda, 1)",
          request -> new Reward.Hard(request.lambda(), request.budget()));

  /** Those built in. */
  public static final List<ObjectiveProvider<?>> BUILT_IN =
      List.of(ADDITIVE, ADD_LINEAR, ADD_LOG, MUL_LOG, ABSOLUTE, SOFT, HARD);

  /** All of them. */
  @SuppressWarnings({"unchecked", "rawtypes"}) // a class has no wildcard
  public static final Providers<ObjectiveProvider<?>> ALL =
      new Providers<>("objective", (Class) ObjectiveProvider.class, BUILT_IN);

  private Objectives() {}
}
