package dev.sextant.tensor;

/**
 * The contract on the device that {@code sextant.check.device} names; no test of this module, but
 * what {@code sextant gpu-check} runs. Operands lie at odd offsets.
 */
class OpenedDeviceContract extends BackendContract {
  @Override
  protected Backend open() {
    return Backends.open(Device.parse(System.getProperty("sextant.check.device", "cpu")), 1);
  }

  @Override
  public void upload(Tensor tensor, float[] values) {
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
