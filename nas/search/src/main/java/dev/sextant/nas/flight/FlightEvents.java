package dev.sextant.nas.flight;

import java.nio.file.Path;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * The events of a search in JDK Flight Recorder. While nobody records, asking whether they are on
 * is all that they cost: none is made.
 */
public final class FlightEvents {
  private static final EventType STEP = EventType.getEventType(Step.class);
  private static final EventType ARCHITECTURE_STEP = EventType.getEventType(ArchitectureStep.class);
  private static final EventType LAYER = EventType.getEventType(LayerForward.class);

  private FlightEvents() {}

  /** A run, from its first step here to its last. */
  @Name("dev.sextant.Run")
  @Label("Run")
  @Category("Sextant")
  @StackTrace(false)
  public static final class Run extends Event {
    @Label("Directory")
    public String directory = "";
  }

  /** The end of an epoch. */
  @Name("dev.sextant.Epoch")
  @Label("Epoch")
  @Category("Sextant")
  @Description("The end of an epoch of a stage")
  @StackTrace(false)
  public static final class Epoch extends Event {
    @Label("Stage")
    public String stage = "";

    @Label("Epoch")
    public long epoch;

    @Label("Loss")
    public double loss;

    @Label("Accuracy")
    public double accuracy;
  }

  /** A step of a stage. */
  @Name("dev.sextant.Step")
  @Label("Step")
  @Category("Sextant")
  @Description("A step of a stage: weights, and architecture where it is due")
  @StackTrace(false)
  public static final class Step extends Event {
    @Label("Stage")
    public String stage = "";

    @Label("Step")
    public long step;

    /** Ends it. */
    public void commit(String ofStage, long done) {
      stage = ofStage;
      step = done;
      commit();
    }
  }

  /** An architecture step. */
  @Name("dev.sextant.ArchitectureStep")
  @Label("Architecture Step")
  @Category("Sextant")
  @StackTrace(false)
  public static final class ArchitectureStep extends Event {}

  /** A layer's forward pass; off unless a recording asks for it. */
  @Name("dev.sextant.Layer")
  @Label("Layer")
  @Category("Sextant")
  @Description("The kernels of one layer's forward pass in training a network alone")
  @Enabled(false)
  @StackTrace(false)
  public static final class LayerForward extends Event {
    @Label("Index")
    public int index;
  }

  /** A run that begins. */
  public static Run run(Path directory) {
    Run event = new Run();
    event.directory = directory.toString();
    event.begin();
    return event;
  }

  /** A step that begins, or null while none are recorded. */
  public static @Nullable Step step() {
    if (!STEP.isEnabled()) {
      return null;
    }
    Step event = new Step();
    event.begin();
    return event;
  }

  /** Whether architecture steps are recorded. */
  public static boolean hasArchitectureSteps() {
    return ARCHITECTURE_STEP.isEnabled();
  }

  /** Whether layers are recorded. */
  public static boolean hasLayers() {
    return LAYER.isEnabled();
  }
}
