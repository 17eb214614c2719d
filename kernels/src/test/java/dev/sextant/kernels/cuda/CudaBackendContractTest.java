package dev.sextant.kernels.cuda;

import dev.sextant.kernels.emulator.EmulatedDriver;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BackendContract;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;

/** The contract on the emulated driver; operands lie at odd offsets, where vectors are not used. */
@Tag("long")
class CudaBackendContractTest extends BackendContract {
  private final EmulatedDriver driver = new EmulatedDriver(1L << 30);

  @Override
  protected Backend open() {
    return new CudaBackend(new Device("cuda", 0), driver);
  }

  /** Cases are the launches: each test makes many of them, at other shapes. */
  @AfterAll
  void countLaunches() {
    System.out.printf(
        "%s: %d specialisations of kernels, %d launches interpreted%n",
        getClass().getSimpleName(), driver.loaded().size(), driver.launches());
  }

  @Override
  public void upload(Tensor tensor, float[] values) {
    if (!tensor.shape().equals(Shape.of(values.length))) {
      throw new IllegalArgumentException(tensor + " does not hold " + values.length);
    }
    backend().upload(values, 0, tensor);
  }

  @Override
  public void upload(Tensor tensor, int[] values) {
    backend().upload(values, 0, tensor);
  }

  @Override
  public float[] download(Tensor tensor) {
    float[] values = new float[tensor.size()];
    backend().download(tensor, values, 0);
    return values;
  }
}
