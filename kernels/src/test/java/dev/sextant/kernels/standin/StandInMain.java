package dev.sextant.kernels.standin;

import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * What the JVMs run that have the stand-ins for a driver: {@code FOLDER CLASS...} the tests of
 * classes, but for {@code -METHOD}; {@code FOLDER --main CLASS ARGUMENT...} a program.
 */
public final class StandInMain {
  private static StandIn standIn;

  private StandInMain() {}

  /** That of this JVM. */
  static StandIn standIn() {
    return standIn;
  }

  /** Ends with 0 if all went well and no rule was broken. */
  public static void main(String[] arguments) throws Exception {
    standIn = new StandIn(Path.of(arguments[0]));
    List<String> rest = Arrays.asList(arguments).subList(1, arguments.length);
    if (rest.getFirst().equals("--main")) {
      Method main = Class.forName(rest.get(1)).getMethod("main", String[].class);
      main.invoke(null, (Object) rest.subList(2, rest.size()).toArray(String[]::new));
      return;
    }
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(
                rest.stream()
                    .filter(name -> !name.startsWith("-"))
                    .map(DiscoverySelectors::selectClass)
                    .toList())
            .filters((PostDiscoveryFilter) test -> included(test, rest))
            .build();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(request, listener);
    TestExecutionSummary summary = listener.getSummary();
    summary.getFailures().forEach(f -> System.out.println(f.getTestIdentifier().getUniqueId()));
    summary.getFailures().forEach(failure -> failure.getException().printStackTrace(System.out));
    System.out.printf(
        "%d of %d passed, %d kernels run, %d complaints%n",
        summary.getTestsSucceededCount(),
        summary.getTestsFoundCount(),
        standIn.launches(),
        standIn.complaints());
    boolean good =
        summary.getTestsFoundCount() > 0
            && summary.getTestsSucceededCount() == summary.getTestsFoundCount()
            && standIn.complaints() == 0;
    System.exit(good ? 0 : 1);
  }

  private static FilterResult included(TestDescriptor test, List<String> arguments) {
    String name = test.getUniqueId().getLastSegment().getValue();
    return FilterResult.includedIf(
        arguments.stream()
            .noneMatch(a -> a.startsWith("-") && name.startsWith(a.substring(1) + "(")));
  }
}
