package dev.sextant.check;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.Locale;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * The tests that this project runs on its other backends, on a device: the contract suite and the
 * table of ops. They lie beside the program with the test framework, on the class path.
 */
final class CheckSuite {
  /** What the tests open; see them. */
  private static final String DEVICE = "sextant.check.device";

  private static final int SHOWN = 50;

  private CheckSuite() {}

  /** Runs test classes; counts, seconds and failures. */
  static JsonObject run(Device device, String... classes) {
    for (String name : classes) {
      try {
        Class.forName(name, false, CheckSuite.class.getClassLoader());
      } catch (ClassNotFoundException e) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "gpu-check: %s is not on the class path; start it as ./sextant gpu-check, or from"
                    + " the distribution archive",
                name),
            e);
      }
    }
    System.setProperty(DEVICE, device.toString());
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(Arrays.stream(classes).map(DiscoverySelectors::selectClass).toList())
            .build();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(request, listener);
    TestExecutionSummary summary = listener.getSummary();
    JsonObject result = new JsonObject();
    // What a device has no use for is skipped, and no case of it.
    long skipped = summary.getTestsSkippedCount() + summary.getTestsAbortedCount();
    result.addProperty("cases", summary.getTestsFoundCount() - skipped);
    result.addProperty("passed", summary.getTestsSucceededCount());
    result.addProperty("seconds", (summary.getTimeFinished() - summary.getTimeStarted()) * 1e-3);
    JsonArray failures = new JsonArray();
    summary.getFailures().stream()
        .limit(SHOWN)
        .map(failure -> failure.getTestIdentifier().getUniqueId() + ": " + failure.getException())
        .forEach(failures::add);
    result.add("failures", failures);
    return result;
  }
}
