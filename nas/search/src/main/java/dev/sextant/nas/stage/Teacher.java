package dev.sextant.nas.stage;

import dev.sextant.autograd.Tape;
import dev.sextant.autograd.nn.Module;
import dev.sextant.runtime.CompiledModel;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/**
 * A network that another one learns from by its logits (Hinton et al., 2015). It sees the same
 * augmented images. Confined to the thread of the backend of the network that learns.
 */
public interface Teacher {
  /**
   * Answers a batch.
   *
   * @param images normalised, {@code [N, H, W, C]}
   * @param logits {@code [N, K]}, overwritten
   */
  void answer(Tensor images, Tensor logits);

  /**
   * A network in memory, with the running statistics of its batch norms. Nothing is allocated once
   * it has answered a batch.
   *
   * @param backend whose memory holds the network and the images
   * @param network not closed here
   * @return the teacher
   */
  static Teacher evaluating(Backend backend, Module network) {
    Tape tape = new Tape(backend);
    return (images, logits) -> {
      try (Tape pass = tape.open(Tape.Mode.EVAL)) {
        backend.elementwise().copy(network.forward(pass, pass.constant(images)).value(), logits);
      }
    };
  }

  /**
   * A compiled network, on whatever device. An answer takes no more from the heap than {@link
   * CompiledModel#run} does.
   *
   * @param backend whose memory holds the images
   * @param model of the batch size of the training; not closed here; the instance is this teacher's
   *     alone
   * @return a teacher that throws a {@link SextantException} where a batch is not of the model's
   *     shape
   */
  static Teacher compiled(Backend backend, CompiledModel model) {
    float[] pixels = new float[model.inputSize()];
    float[] scores = new float[model.batch() * model.architecture().classes()];
    return (images, logits) -> {
      if (images.size() != pixels.length || logits.size() != scores.length) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "teacher: a model of batches of %d with %d numbers an image and %d classes cannot"
                    + " answer images %s by logits %s",
                model.batch(),
                pixels.length / model.batch(),
                model.architecture().classes(),
                images.shape(),
                logits.shape()));
      }
      backend.download(images, pixels, 0);
      model.run(pixels, scores);
      backend.upload(scores, 0, logits);
    };
  }
}
