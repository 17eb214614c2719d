package dev.sextant.runtime.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** One request of a pool of models. */
@Name("dev.sextant.Request")
@Label("Request")
@Category("Sextant")
@Description("A request that a pool of models answered or refused")
@StackTrace(false)
public final class RequestEvent extends Event {
  /** Not yet begun. */
  public RequestEvent() {}

  /** The network's name. */
  @Label("Model")
  public String model = "";

  /** Nanoseconds until a model was free, or none was in time. */
  @Label("Queue Time")
  @Description("From the request until a model was free, or none was in time")
  @Timespan(Timespan.NANOSECONDS)
  public long queued;

  /** How it ended. */
  @Label("Outcome")
  public String outcome = "";
}
