package dev.sextant.nas.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.tensor.SextantException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** One process writes into a directory; its main method is another one. */
@Tag("machine-text")
final class OwnerTest {
  @TempDir private Path folder;

  /** Takes a directory, says so, and never gives it back. */
  public static void main(String[] args) throws InterruptedException {
    Owner owner = Owner.of(Path.of(args[0]));
    System.out.println("taken");
    System.out.flush();
    Thread.sleep(Long.MAX_VALUE);
    owner.close();
  }

  private static void assertRefused(Executable what, String... parts) {
    String message = assertThrows(SextantException.class, what).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  private String json() throws IOException {
    return Files.readString(folder.resolve(Owner.FILE));
  }

  /** What another machine would have written. */
  private void elsewhere(int attempt) throws IOException {
    String json = json();
    Files.writeString(
        folder.resolve(Owner.FILE),
        json.replaceFirst("\"attempt\": \\d+", "\"attempt\": " + attempt)
            .replaceFirst("\"host\": \"[^\"]*\"", "\"host\": \"elsewhere\"")
            .replaceFirst("\"process\": \\d+", "\"process\": 7")
            .replace("released", "held"));
  }

  @Test
  void aSecondOwnerOfTheSameProcessIsRefused() throws IOException {
    String me = "held by process " + ProcessHandle.current().pid() + " on host ";
    try (Owner owner = Owner.of(folder)) {
      assertRefused(() -> Owner.of(folder), folder + ": " + me, "since ", "(attempt 1)");
      assertRefused(() -> Owner.of(folder.resolve("../" + folder.getFileName())), me);
      assertRefused(() -> Owner.release(folder), me);
      owner.check();
    }
    assertTrue(json().contains("released"), json());
    try (Owner owner = Owner.of(folder)) {
      owner.check();
      assertTrue(json().contains("\"attempt\": 2"), json());
    }
  }

  @Test
  void aProcessThatIsKilledLeavesTheDirectoryFree() throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                OwnerTest.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      assertEquals("taken", out.readLine());
      String held = "held by process " + child.pid() + " on host ";
      assertRefused(() -> Owner.of(folder), held, "(attempt 1)");
      assertRefused(() -> Owner.release(folder), held);
    } finally {
      child.destroyForcibly().waitFor();
    }
    try (Owner owner = Owner.of(folder)) {
      owner.check();
      assertTrue(json().contains("\"attempt\": 2"), json());
    }
  }

  /** Locks may not reach from one machine to another: only a person knows whether it is gone. */
  @Test
  void anotherMachinesDirectoryIsTakenOverWhenAsked() throws IOException {
    Owner.of(folder).close();
    elsewhere(4);
    assertRefused(
        () -> Owner.of(folder),
        "held by process 7 on host elsewhere since ",
        "(attempt 4)",
        "--take-over");
    Owner.release(folder);
    Owner owner = Owner.of(folder);
    owner.check();
    assertTrue(json().contains("\"attempt\": 5"), json());
    // It was at work all the same, or takes it back.
    elsewhere(6);
    assertRefused(
        owner::check, "taken over by process 7 on host elsewhere since ", "this is attempt 5");
    String theirs = json();
    owner.close();
    assertEquals(theirs, json());
  }

  @Test
  void aDamagedFileIsNamedAndCanBePassedOver() throws IOException {
    Files.writeString(folder.resolve(Owner.FILE), "{\"format\": \"sextant-owner/1\"}");
    assertRefused(() -> Owner.of(folder), Owner.FILE, "attempt", "--take-over");
    Owner.release(folder);
    Owner.of(folder).close();
    assertTrue(json().contains("\"attempt\": 1"), json());
  }

  /** What dying processes of this version and of earlier ones left; nothing of anybody else's. */
  @Test
  void aDirectoryInWhichNoRunHasBegunIsFree() throws IOException {
    Path run = Files.createDirectories(folder.resolve("run"));
    Path checkpoints = Files.createDirectory(run.resolve("checkpoint"));
    Files.createFile(checkpoints.resolve(".state.safetensors.0123456789abcdef-3.tmp"));
    Files.createFile(run.resolve(".run.json.0123456789abcdef-1.tmp"));
    Files.createFile(run.resolve(".sextant-123.tmp"));
    Files.createFile(run.resolve(DirectoryLock.FILE));
    RunDirectory directory = RunDirectory.create(run);
    Path notes = Files.createFile(run.resolve("notes.txt"));
    assertRefused(() -> RunDirectory.create(run), "holds a run or other files already");
    assertRefused(() -> directory.begin(_ -> "begun"), "holds a run or other files already");
    Files.delete(notes);
    directory.begin(
        owner -> {
          owner.close();
          return "begun";
        });
    assertFalse(Files.exists(checkpoints));
    assertFalse(Files.exists(run.resolve(".sextant-123.tmp")));
    // It was taken, and died before its first file; somebody has put one there since.
    Files.createFile(run.resolve("latency.json"));
    Files.createFile(notes);
    assertRefused(
        () ->
            directory.begin(
                _ -> {
                  throw new SextantException("no such budget");
                }),
        "no such budget");
    assertTrue(Files.exists(notes));
    assertFalse(Files.exists(run.resolve("latency.json")));
    Files.createFile(run.resolve("weights.safetensors"));
    assertRefused(() -> RunDirectory.create(run), "holds a run or other files already");
  }
}
