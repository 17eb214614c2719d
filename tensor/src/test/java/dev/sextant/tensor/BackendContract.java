package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * What every {@link Backend} must do: each kernel against the reference at awkward sizes. A backend
 * extends this in its own tests; one whose tensors are not on the heap overrides the transfers.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContract
    implements ElementwiseContract,
        ChannelContract,
        MatrixContract,
        ConvolutionContract,
        PoolContract,
        BatchNormContract,
        NormalizedConvolutionContract,
        SuperkernelContract,
        TrainingContract,
        MisuseContract,
        ShapeErrorContract {
  private Backend backend;

  /** A backend to test; closed after the last test. */
  protected abstract Backend open();

  @Override
  public Backend backend() {
    return backend;
  }

  @Override
  public void upload(Tensor tensor, float[] values) {
    tensor.set(values);
  }

  @Override
  public void upload(Tensor tensor, int[] values) {
    tensor.set(values);
  }

  @Override
  public float[] download(Tensor tensor) {
    return tensor.toArray();
  }

  @BeforeAll
  void openBackend() {
    backend = open();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, backend.memory().current(), () -> backend.memory().largestHolders());
  }

  @AfterAll
  void closeBackend() {
    backend.close();
    backend.close();
  }
}
