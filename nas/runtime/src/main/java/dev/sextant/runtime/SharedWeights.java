package dev.sextant.runtime;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Folded parameters on a device, read by every fork of a model and given back when the last of them
 * closes. Safe to use from several threads: the tensors are only read after construction.
 */
final class SharedWeights {
  /** Owns the memory and runs no kernel: a fork's own backend may close before the others'. */
  private final Backend owner;

  private final List<Tensor> tensors = new ArrayList<>();
  private int users;

  /** Copies the parameters to the device, without a user yet. */
  SharedWeights(Device device, List<Weights.Entry> parameters) {
    owner = Backends.open(device, 1);
    for (int i = 0; i < parameters.size(); i++) {
      Weights.Entry entry = parameters.get(i);
      Tensor tensor =
          owner.memory().floats(entry.shape(), Memory.Category.WEIGHTS, "parameter " + i);
      owner.upload(entry.values(), 0, tensor);
      tensors.add(tensor);
    }
    // Other backends of the device read them, in queues of their own.
    owner.synchronize();
  }

  Tensor get(int parameter) {
    return tensors.get(parameter);
  }

  /** Bytes of all parameters. */
  long bytes() {
    long bytes = 0;
    for (Tensor tensor : tensors) {
      bytes += tensor.bytes();
    }
    return bytes;
  }

  /** Counts one more user. */
  synchronized void retain() {
    if (users < 0) {
      throw new SextantException("model: fork of a model that is closed");
    }
    users++;
  }

  /** Counts one user less; the last one frees the tensors. */
  synchronized void release() {
    users--;
    if (users == 0) {
      users = -1;
      for (Tensor tensor : tensors) {
        tensor.close();
      }
      owner.close();
    }
  }
}
