package dev.sextant.runtime.service;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** One request of a {@link ModelPool}, for JDK Flight Recorder; costs nothing while that is off. */
@Name("dev.sextant.Request")
@Label("Request")
@Category("Sextant")
@Description("A request that a pool of models answered")
@StackTrace(false)
final class RequestEvent extends Event {
  @Label("Model")
  String model = "";

  @Label("Queue Time")
  @Description("From the request until a model was free")
  @Timespan(Timespan.NANOSECONDS)
  long queued;
}
