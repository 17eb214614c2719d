package dev.sextant.kernels;

import dev.sextant.kernels.cuda.CudaBackend;
import dev.sextant.kernels.natives.CudaLibraries;
import dev.sextant.kernels.natives.CudaSettings;
import dev.sextant.kernels.natives.JCudaLoader;
import dev.sextant.kernels.ptx.KernelSource;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BackendProvider;
import dev.sextant.tensor.Device;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Offers {@code cuda} devices. Nothing of JCuda is loaded before one is opened. */
public final class CudaBackendProvider implements BackendProvider {
  /** For ServiceLoader. */
  public CudaBackendProvider() {}

  @Override
  public String kind() {
    return "cuda";
  }

  @Override
  public Backend open(Device device, int threads) {
    CudaSettings settings = CudaSettings.ofProperties();
    CudaBackend backend = new CudaBackend(device, JCudaLoader.open(settings, device.index()));
    backend.memory().cap(settings.memoryLimit());
    return backend;
  }

  @Override
  public List<String> report() {
    return CudaLibraries.find().report();
  }

  @Override
  public Map<String, Supplier<String>> kernels() {
    Map<String, Supplier<String>> kernels = new LinkedHashMap<>();
    for (KernelSource source : KernelCatalogue.all()) {
      kernels.put(source.name(), () -> source.assemble().text());
    }
    return kernels;
  }
}
