package dev.sextant.bench.libtorch;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.sextant.tensor.SextantException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * A compiled function of tensors in libtorch: one native call runs it. Made by {@link
 * Libtorch#script}; confined to its thread.
 */
public final class Script {
  /** DJL gathers arrays of this name into one list argument. */
  private static final String LIST = "t[]";

  private final Libtorch torch;
  private final PtSymbolBlock block;

  Script(Libtorch torch, PtNDManager manager, String body) {
    this.torch = torch;
    try {
      block =
          JniUtils.loadModule(
              manager, new ByteArrayInputStream(ScriptArchive.of(body)), false, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (EngineException e) {
      throw new SextantException("libtorch does not compile the script: " + e.getMessage(), e);
    }
  }

  /**
   * Runs it; results belong to the innermost scope of the {@link Libtorch} that made it. Gradients
   * flow through results to inputs that require them.
   *
   * @param arguments one for each parameter
   * @return the result, of the innermost scope
   * @throws SextantException if libtorch does not accept the arguments
   */
  public List<NDArray> call(List<NDArray> arguments) {
    for (NDArray argument : arguments) {
      argument.setName(LIST);
    }
    try {
      NDList results = IValueUtils.forward(block, new NDList(arguments), true);
      results.forEach(torch::adopt);
      return results;
    } catch (EngineException e) {
      throw new SextantException("libtorch fails: " + e.getMessage(), e);
    }
  }

  /**
   * As {@link #call(List)}.
   *
   * @param arguments one for each parameter
   * @return the result, of the innermost scope
   */
  public List<NDArray> call(NDArray... arguments) {
    return call(List.of(arguments));
  }

  /**
   * Runs a script that has one result.
   *
   * @param arguments one for each parameter
   * @return the result, of the innermost scope
   */
  public NDArray apply(NDArray... arguments) {
    return call(arguments).getFirst();
  }
}
