package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.Script;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * The matrix products behind pointwise convolutions. {@code nn MxKxN}: c = a b, the forward pass;
 * {@code nt}: b is given transposed, the data gradient; {@code tn}: a is, the weight gradient. Both
 * engines write to a matrix that is there.
 */
public class Gemm extends TrainingPath {
  /** For JMH. */
  public Gemm() {}

  private record Operands(boolean transposeA, boolean transposeB, Shape a, Shape b, Shape c) {
    static Operands of(Spec spec) {
      String transposed = spec.word();
      int[] e = spec.extents();
      boolean ta = transposed.charAt(0) == 't';
      boolean tb = transposed.charAt(1) == 't';
      return new Operands(
          ta,
          tb,
          ta ? Shape.of(e[1], e[0]) : Shape.of(e[0], e[1]),
          tb ? Shape.of(e[2], e[1]) : Shape.of(e[1], e[2]),
          Shape.of(e[0], e[2]));
    }
  }

  @Override
  Work sextant(Spec spec, Backend backend) {
    Operands operands = Operands.of(spec);
    Tensor a = tensor(backend, operands.a, 1);
    Tensor b = tensor(backend, operands.b, 2);
    Tensor c = empty(backend, operands.c);
    return new SextantWork(
        backend,
        () -> backend.gemm().multiply(a, operands.transposeA, b, operands.transposeB, c, false));
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    Operands operands = Operands.of(spec);
    NDArray a = torch.load(TensorRole.PLAIN, values(operands.a, 1), operands.a);
    NDArray b = torch.load(TensorRole.PLAIN, values(operands.b, 2), operands.b);
    NDArray c = torch.load(TensorRole.PLAIN, new float[operands.c.size()], operands.c);
    Script product =
        torch.script(
            "a b c",
            String.format(
                Locale.ROOT,
                "return [torch.mm(%s, %s, out=c)]",
                operands.transposeA ? "torch.t(a)" : "a",
                operands.transposeB ? "torch.t(b)" : "b"));
    return new TorchWork(torch, () -> product.call(a, b, c));
  }
}
