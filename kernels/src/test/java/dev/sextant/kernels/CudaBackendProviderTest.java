package dev.sextant.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.BackendProvider;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

/** What ServiceLoader finds. */
class CudaBackendProviderTest {
  private final BackendProvider provider =
      ServiceLoader.load(BackendProvider.class).stream()
          .map(ServiceLoader.Provider::get)
          .filter(found -> found instanceof CudaBackendProvider)
          .findFirst()
          .orElseThrow();

  @Test
  void servesCuda() {
    assertEquals("cuda", provider.kind());
    assertEquals(3, provider.report().size());
  }

  @Test
  void showsItsKernels() {
    String text = provider.kernels().get("map_batch_norm_relu6_v4").get();
    assertTrue(text.startsWith("// map_batch_norm_relu6_v4: out = activation("), text);
    assertTrue(text.contains(".param .u64 gamma, // scale of each channel"), text);
    assertFalse(provider.kernels().containsKey("no_such_kernel"));
  }
}
