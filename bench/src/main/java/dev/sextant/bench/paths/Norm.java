package dev.sextant.bench.paths;

import ai.djl.ndarray.NDArray;
import dev.sextant.bench.libtorch.Libtorch;
import dev.sextant.bench.libtorch.Script;
import dev.sextant.bench.libtorch.TensorRole;
import dev.sextant.tensor.Activation;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BatchNorm;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/**
 * Batch norm by the batch's statistics followed by ReLU6: {@code forward NxHxWxC} and {@code
 * backward NxHxWxC}, which is from the activation's gradient to those of the input, gamma and beta.
 */
public class Norm extends TrainingPath {
  private static final float EPSILON = 1e-3f;

  /** For JMH. */
  public Norm() {}

  @Override
  Work sextant(Spec spec, Backend backend) {
    String pass = spec.word();
    Shape image = spec.shape();
    Shape channels = Shape.of(image.channels());
    Tensor z = tensor(backend, image, 1);
    Tensor gamma = tensor(backend, channels, 2);
    Tensor beta = tensor(backend, channels, 3);
    Tensor mean = empty(backend, channels);
    Tensor variance = empty(backend, channels);
    Tensor y = empty(backend, image);
    BatchNorm norm = new BatchNorm(mean, variance, gamma, beta, EPSILON, Activation.RELU6);
    if (pass.equals("forward")) {
      return new SextantWork(
          backend,
          () -> {
            backend.batchNorm().statistics(z, mean, variance);
            backend.batchNorm().apply(z, norm, null, y);
          });
    }
    backend.batchNorm().statistics(z, mean, variance);
    Tensor dy = tensor(backend, image, 4);
    Tensor dgamma = empty(backend, channels);
    Tensor dbeta = empty(backend, channels);
    return new SextantWork(
        backend, () -> backend.batchNorm().backward(z, norm, dy, y, dgamma, dbeta));
  }

  @Override
  Work libtorch(Spec spec, Libtorch torch) {
    String pass = spec.word();
    Shape image = spec.shape();
    Shape channels = Shape.of(image.channels());
    NDArray z = torch.load(TensorRole.IMAGE, values(image, 1), image);
    NDArray gamma = torch.load(TensorRole.PLAIN, values(channels, 2), channels);
    NDArray beta = torch.load(TensorRole.PLAIN, values(channels, 3), channels);
    Script forward =
        torch.script(
            "z g b",
            String.format(
                Locale.ROOT,
                """
                y, mean, invstd = torch.native_batch_norm(z, g, b, None, None, True, 0.1, %s)
                return [torch.hardtanh_(y, 0., 6.), mean, invstd]
                """,
                EPSILON));
    if (pass.equals("forward")) {
      return new TorchWork(torch, () -> forward.call(z, gamma, beta));
    }
    NDArray dy = torch.load(TensorRole.IMAGE, values(image, 4), image);
    List<NDArray> kept = forward.call(z, gamma, beta);
    // As autograd runs it: the activation was in place, so its derivative is taken at its output.
    Script backward =
        torch.script(
            "z g dy y mean invstd",
            String.format(
                Locale.ROOT,
                """
                dn = torch.hardtanh_backward(dy, y, 0., 6.)
                dz, dg, db = torch.native_batch_norm_backward(dn, z, g, None, None, mean, invstd, True, \
                %s, [True, True, True])
                return [dz, dg, db]
                """,
                EPSILON));
    return new TorchWork(
        torch, () -> backward.call(z, gamma, dy, kept.get(0), kept.get(1), kept.get(2)));
  }
}
