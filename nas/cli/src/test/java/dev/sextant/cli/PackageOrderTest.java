package dev.sextant.cli;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packages of each module have an order: what the compiled classes name forms no circle. */
@Tag("long")
class PackageOrderTest {
  /** Of one package. */
  private static final int MOST_CLASSES = 25;

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.sextant");

  @ParameterizedTest
  @ValueSource(strings = {"nas", "runtime"})
  void packagesFormNoCircle(String module) {
    slices().matching("dev.sextant." + module + ".(**)").should().beFreeOfCycles().check(CLASSES);
  }

  /** Files, that is: nested classes are part of theirs. */
  @Test
  void noPackageOfSearchOrCommandLineIsTooLargeToSurvey() {
    Map<String, Integer> sizes = new TreeMap<>();
    CLASSES.stream()
        .filter(type -> type.getPackageName().matches("dev\\.sextant\\.(nas|cli).*"))
        .filter(type -> !type.getName().contains("$"))
        .filter(type -> !type.getSimpleName().equals("package-info"))
        .forEach(type -> sizes.merge(type.getPackageName(), 1, Integer::sum));
    sizes.forEach((name, size) -> assertTrue(size <= MOST_CLASSES, name + " has " + size));
    assertTrue(sizes.size() > 10, sizes::toString);
  }
}
