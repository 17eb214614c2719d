package dev.sextant.runtime.event;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A network was compiled. */
@Name("dev.sextant.Compile")
@Label("Compile")
@Category("Sextant")
@Description("A network was compiled for a batch and a number of threads")
@StackTrace(false)
public final class CompileEvent extends Event {
  /** Not yet begun. */
  public CompileEvent() {}

  /** The network's name. */
  @Label("Model")
  public String model = "";

  /** Workers that share each kernel. */
  @Label("Threads")
  public int threads;

  /** Images of one run. */
  @Label("Batch")
  public int batch;

  /** Bytes of the folded weights. */
  @Label("Weights")
  @Description("Bytes of the folded weights")
  @DataAmount
  public long weights;
}
