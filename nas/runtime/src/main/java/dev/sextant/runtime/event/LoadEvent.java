package dev.sextant.runtime.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Weights were read from a file. */
@Name("dev.sextant.Load")
@Label("Load")
@Category("Sextant")
@Description("Weights were read from a file and checked")
@StackTrace(false)
public final class LoadEvent extends Event {
  /** Not yet begun. */
  public LoadEvent() {}

  /** Its path. */
  @Label("File")
  public String file = "";

  /** How many there are. */
  @Label("Tensors")
  public int tensors;
}
