package dev.sextant.tensor;

/**
 * Where tensors live and kernels run.
 *
 * @param kind the backend family, such as {@code cpu}, {@code reference} or {@code cuda}
 * @param index which device of that kind, from 0
 */
public record Device(String kind, int index) {
  /** The only CPU. */
  public static final Device CPU = new Device("cpu", 0);

  /** The plain loops in double that every other device is tested against. */
  public static final Device REFERENCE = new Device("reference", 0);

  /**
   * Parses {@code cpu}, {@code reference}, {@code cuda} or {@code cuda:1}.
   *
   * @param text a device's name
   * @return the device of that name, which need not exist here
   * @throws SextantException if the text has another form
   */
  public static Device parse(String text) {
    String[] parts = text.split(":", 2);
    if (!parts[0].matches("[a-z]+") || (parts.length == 2 && !parts[1].matches("\\d{1,3}"))) {
      throw new SextantException("device: '" + text + "' is not of the form cpu, cuda or cuda:1");
    }
    return new Device(parts[0], parts.length == 2 ? Integer.parseInt(parts[1]) : 0);
  }

  @Override
  public String toString() {
    return index == 0 ? kind : kind + ":" + index;
  }
}
