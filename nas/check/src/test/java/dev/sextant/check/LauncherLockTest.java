package dev.sextant.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher in a checkout where nothing is built and Maven fails. */
class LauncherLockTest {
  private static final Path LAUNCHER = Path.of("..", "..", "sextant");

  @TempDir private Path folder;
  private Path root;
  private Path temporary;

  @BeforeEach
  void checkout() throws IOException, InterruptedException {
    Assumptions.assumeTrue(
        Files.exists(Path.of("/usr/bin/flock")) || Files.exists(Path.of("/bin/flock")));
    root = Files.createDirectory(folder.resolve("root"));
    temporary = Files.createDirectory(folder.resolve("tmp"));
    Files.copy(LAUNCHER, root.resolve("sextant"), StandardCopyOption.COPY_ATTRIBUTES);
    for (String module : new String[] {"tensor", "autograd", "kernels", "nas"}) {
      Files.createDirectory(root.resolve(module));
    }
    Files.createFile(root.resolve("pom.xml"));
    Path mvn = Files.createDirectory(folder.resolve("bin")).resolve("mvn");
    Files.writeString(mvn, "#!/bin/sh\necho no build\nexit 1\n");
    assertTrue(mvn.toFile().setExecutable(true));
  }

  private String launch() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(root.resolve("sextant").toString(), "doctor").redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("TMPDIR", temporary.toString());
    builder.environment().merge("PATH", "", (path, _) -> folder.resolve("bin") + ":" + path);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(10, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue(), said);
    return said;
  }

  @Test
  void theLockLiesBelowTarget() throws Exception {
    String said = launch();
    assertTrue(said.contains("sextant: the build failed"), said);
    assertTrue(Files.isRegularFile(root.resolve("target/launcher.lock")), said);
    try (var files = Files.list(temporary)) {
      assertTrue(files.noneMatch(file -> file.toString().endsWith(".lock")));
    }
  }

  @Test
  void aPlantedLinkIsNotFollowed() throws Exception {
    Path victim = Files.writeString(folder.resolve("victim"), "precious");
    Path target = Files.createDirectory(root.resolve("target"));
    Files.createSymbolicLink(target.resolve("launcher.lock"), victim);
    String said = launch();
    assertTrue(said.contains("launcher.lock: is a symbolic link, remove it"), said);
    assertEquals("precious", Files.readString(victim));
  }
}
