/** A policy, and a method that uses it: {@code --policy gumbel-softmax}, {@code --method gdas}. */
module dev.example.policy {
  requires dev.sextant.search;

  provides dev.sextant.nas.policy.PolicyProvider with
      dev.example.policy.GumbelSoftmax;
  provides dev.sextant.nas.method.Method with
      dev.example.policy.Gdas;
}
