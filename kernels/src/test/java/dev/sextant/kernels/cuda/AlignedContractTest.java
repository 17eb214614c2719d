package dev.sextant.kernels.cuda;

import org.junit.jupiter.api.Tag;

/** The contract once more, with operands aligned to vectors: the kernels that run in practice. */
@Tag("long")
class AlignedContractTest extends CudaBackendContractTest {
  @Override
  public int guard() {
    return 8;
  }
}
