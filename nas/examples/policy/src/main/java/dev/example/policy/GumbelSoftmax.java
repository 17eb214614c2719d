package dev.example.policy;

import dev.sextant.nas.cost.CostDetail;
import dev.sextant.nas.objective.Loss;
import dev.sextant.nas.policy.Policy;
import dev.sextant.nas.policy.PolicyProvider;
import dev.sextant.nas.policy.PolicyRequest;
import dev.sextant.nas.provider.Option;
import dev.sextant.nas.supernet.MultiPathSupernet;
import java.util.List;

/** {@link GumbelSoftmaxPolicy} by its name. */
public final class GumbelSoftmax implements PolicyProvider<MultiPathSupernet, Loss> {
  @Override
  public String id() {
    return "gumbel-softmax";
  }

  @Override
  public String summary() {
    return "one candidate by a Gumbel softmax that cools down";
  }

  @Override
  public List<Option> options() {
    return List.of(
        Option.number("first-temperature", 10, 0.01, 1000, "when the joint phase begins"),
        Option.number("last-temperature", 0.1, 0.01, 1000, "when it ends"));
  }

  @Override
  public Class<MultiPathSupernet> supernet() {
    return MultiPathSupernet.class;
  }

  @Override
  public Class<Loss> objective() {
    return Loss.class;
  }

  @Override
  public CostDetail cost() {
    return CostDetail.EXPECTED;
  }

  @Override
  public Policy policy(PolicyRequest<MultiPathSupernet, Loss> request) {
    return new GumbelSoftmaxPolicy(request);
  }
}
