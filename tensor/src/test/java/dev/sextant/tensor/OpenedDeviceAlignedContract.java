package dev.sextant.tensor;

/** The same with operands aligned to vectors. */
class OpenedDeviceAlignedContract extends OpenedDeviceContract {
  @Override
  public int guard() {
    return 8;
  }
}
