package dev.sextant.tensor.internal.cpu;

import dev.sextant.tensor.Backend;
import dev.sextant.tensor.BackendContract;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.ExpansionContract;
import dev.sextant.tensor.internal.reference.ReferenceBackend;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/** The contract on the CPU: one thread, as many as cores, more than cores, and without vectors. */
class CpuBackendContractTest {
  @Nested
  class OneThread extends BackendContract implements ExpansionContract {
    @Override
    protected Backend open() {
      return Backend.cpu(1);
    }
  }

  @Nested
  @Tag("long")
  class TwoThreads extends BackendContract implements ExpansionContract {
    @Override
    protected Backend open() {
      return Backend.cpu(2);
    }
  }

  @Nested
  @Tag("long")
  class ThreeThreads extends BackendContract implements ExpansionContract {
    @Override
    protected Backend open() {
      return Backend.cpu(3);
    }
  }

  /** It has no expansions of its own. */
  @Nested
  @Tag("long")
  class WithoutVectors extends BackendContract {
    @Override
    protected Backend open() {
      return new ReferenceBackend(Device.CPU);
    }
  }
}
