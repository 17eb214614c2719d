package dev.sextant.kernels.cuda;

/** The contract once more, with operands aligned to vectors: the kernels that run in practice. */
class AlignedContractTest extends CudaBackendContractTest {
  @Override
  public int guard() {
    return 8;
  }
}
