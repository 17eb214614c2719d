package dev.sextant.kernels.device;

import dev.sextant.kernels.driver.Driver;
import dev.sextant.tensor.Allocator;
import dev.sextant.tensor.DType;
import dev.sextant.tensor.Memory;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Storage;
import dev.sextant.tensor.Tensor;
import java.util.Locale;

/** A block of device memory behind tensors. */
public final class DeviceStorage extends Storage {
  private final CachingAllocator.Piece piece;

  private DeviceStorage(CachingAllocator.Piece piece, long bytes) {
    super(bytes);
    this.piece = piece;
  }

  /** A pool of tensors over a caching allocator of that driver's memory. */
  public static Memory memory(CachingAllocator allocator, Driver driver) {
    return new Memory(
        new Allocator() {
          @Override
          public Storage allocate(DType dtype, int elements) {
            long bytes = (long) elements * dtype.bytes();
            return new DeviceStorage(allocator.allocate(bytes), bytes);
          }

          @Override
          public void free(Storage storage) {
            allocator.free(((DeviceStorage) storage).piece);
          }

          @Override
          public String limit() {
            return String.format(
                Locale.ROOT,
                "%s of device memory: a smaller batch needs less",
                Memory.human(driver.properties().bytes()));
          }

          @Override
          public void zero(Tensor tensor) {
            driver.zero(address(tensor), tensor.bytes());
          }
        });
  }

  /**
   * The address of a tensor's first element.
   *
   * @throws SextantException if it is not in device memory
   */
  public static long address(Tensor tensor) {
    if (tensor.storage() instanceof DeviceStorage storage) {
      return storage.piece.address() + (long) tensor.offset() * tensor.dtype().bytes();
    }
    throw new SextantException("cuda: tensor is not in device memory: " + tensor);
  }
}
