package dev.sextant.nas.follow;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sextant.nas.provider.Progress;
import dev.sextant.nas.run.RunDirectory;
import dev.sextant.runtime.AtomicFile;
import dev.sextant.runtime.json.JsonFields;
import dev.sextant.runtime.json.JsonText;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells a server of MLflow by its REST interface (2.0): parameters, the numbers of every epoch, and
 * at the end the run's files, where the server takes artifacts itself.
 *
 * <p>{@code mlflow.json} in the run's directory has the server, the run's number there, and how
 * many events it was told: a run that is resumed goes on with it, telling none twice. A server that
 * fails stops nothing: it is said once, and what it missed it is told later, if it comes back
 * before the end.
 */
public final class Mlflow implements Follower {
  private static final String FORMAT = "sextant-mlflow/1";
  private static final String API = "/api/2.0/mlflow/";
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long LAST_PATIENCE_SECONDS = 60;

  /** MLflow takes so much in one call. */
  private static final int MOST_PARAMETERS = 100;

  private static final int LONGEST_PARAMETER = 500;

  private final RunDirectory directory;
  private final Progress progress;
  private final URI server;
  private final ExecutorService sender =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().factory());
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build();

  // Touched by the sender alone.
  private final List<JsonObject> untold = new ArrayList<>();
  private String run;
  private String artifacts;
  private int told;

  private volatile @Nullable String trouble;
  private boolean saidTrouble;

  /**
   * Begins, or goes on.
   *
   * @param directory of the run
   * @param server where it listens, as in {@code http://127.0.0.1:5000}; not read where the run has
   *     one already
   * @param before the events of the run so far
   * @param progress told once if the server fails, on the thread of the run
   * @throws SextantException if {@code mlflow.json} is damaged, or the address is none
   */
  public Mlflow(
      RunDirectory directory, @Nullable URI server, List<JsonObject> before, Progress progress) {
    this.directory = directory;
    this.progress = progress;
    Path file = file(directory);
    if (Files.exists(file)) {
      JsonFields fields = JsonFields.parse(JsonText.readFile(file), file.toString());
      fields.word("format", List.of(FORMAT), null);
      this.server = checked(URI.create(fields.string("server")));
      run = fields.string("run");
      artifacts = fields.string("artifacts");
      told = Math.min(fields.integer("told", 0, Integer.MAX_VALUE), before.size());
    } else if (server != null) {
      this.server = checked(server);
      run = "";
      artifacts = "";
      save();
    } else {
      throw new SextantException(file + ": is missing");
    }
    before.subList(told, before.size()).forEach(this::accept);
  }

  private static URI checked(URI server) {
    if (!"http".equals(server.getScheme()) && !"https".equals(server.getScheme())
        || server.getHost() == null) {
      throw new SextantException(
          server + ": is no address of an MLflow server, such as http://127.0.0.1:5000");
    }
    return server;
  }

  /**
   * {@return what says that a run tells a server}
   *
   * @param directory of the run
   */
  public static Path file(RunDirectory directory) {
    return directory.path().resolve("mlflow.json");
  }

  private void save() {
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.addProperty("server", server.toString());
    json.addProperty("run", run);
    json.addProperty("artifacts", artifacts);
    json.addProperty("told", told);
    AtomicFile.write(file(directory), JsonText.print(json));
  }

  @Override
  public void accept(JsonObject event) {
    JsonObject copy = event.deepCopy();
    sender.execute(
        () -> {
          untold.add(copy);
          attempt(this::tell);
        });
    sayTrouble();
  }

  /** Once: a server that is gone is no news with every epoch. */
  private void sayTrouble() {
    String said = trouble;
    if (said != null && !saidTrouble) {
      saidTrouble = true;
      progress.message("mlflow    " + said + "; the run goes on");
    }
  }

  /** Something that asks the server. */
  private interface Asking {
    void ask() throws IOException, InterruptedException;
  }

  private void attempt(Asking asking) {
    try {
      asking.ask();
    } catch (IOException | RuntimeException e) {
      trouble =
          String.format(Locale.ROOT, "%s: %s", server, e.getMessage() == null ? e : e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell() throws IOException, InterruptedException {
    if (run.isEmpty()) {
      begin();
    }
    while (!untold.isEmpty()) {
      EventValues values = EventValues.of(untold.getFirst());
      JsonArray metrics = new JsonArray();
      values
          .scalars()
          .forEach(
              (name, value) -> {
                JsonObject metric = new JsonObject();
                metric.addProperty("key", name);
                metric.addProperty("value", value);
                metric.addProperty("timestamp", System.currentTimeMillis());
                metric.addProperty("step", values.step());
                metrics.add(metric);
              });
      JsonObject batch = new JsonObject();
      batch.addProperty("run_id", run);
      batch.add("metrics", metrics);
      post("runs/log-batch", batch);
      untold.removeFirst();
      told++;
      save();
    }
  }

  private void begin() throws IOException, InterruptedException {
    JsonObject experiment = new JsonObject();
    experiment.addProperty("name", "sextant");
    JsonObject got;
    HttpResponse<String> named =
        send(request(API + "experiments/get-by-name?experiment_name=sextant").GET().build());
    String id;
    if (named.statusCode() == 200) {
      got = JsonText.parse(named.body(), "mlflow");
      id = text(object(got, "experiment"), "experiment_id");
    } else {
      id = text(post("experiments/create", experiment), "experiment_id");
    }
    JsonObject create = new JsonObject();
    create.addProperty("experiment_id", id);
    create.addProperty("run_name", String.valueOf(directory.path().getFileName()));
    create.addProperty("start_time", System.currentTimeMillis());
    JsonObject info = object(object(post("runs/create", create), "run"), "info");
    run = text(info, "run_id");
    artifacts = text(info, "artifact_uri");
    save();
    parameters();
  }

  private void parameters() throws IOException, InterruptedException {
    JsonArray parameters = new JsonArray();
    JsonObject settings =
        JsonText.parse(JsonText.readFile(directory.run()), directory.run().toString());
    settings.remove("space");
    collect("", settings, parameters);
    JsonObject batch = new JsonObject();
    batch.addProperty("run_id", run);
    batch.add("params", parameters);
    post("runs/log-batch", batch);
  }

  private static void collect(String prefix, JsonObject object, JsonArray parameters) {
    for (Map.Entry<String, JsonElement> field : object.entrySet()) {
      String name = prefix + field.getKey();
      if (field.getValue() instanceof JsonObject inner) {
        collect(name + ".", inner, parameters);
      } else if (parameters.size() < MOST_PARAMETERS) {
        String value =
            field.getValue().isJsonPrimitive()
                ? field.getValue().getAsString()
                : field.getValue().toString();
        JsonObject parameter = new JsonObject();
        parameter.addProperty("key", name);
        parameter.addProperty(
            "value", value.substring(0, Math.min(value.length(), LONGEST_PARAMETER)));
        parameters.add(parameter);
      }
    }
  }

  @Override
  public void end() {
    sender.execute(() -> attempt(this::finish));
  }

  private void finish() throws IOException, InterruptedException {
    tell();
    for (Path file :
        List.of(
            directory.run(),
            directory.architecture(),
            directory.weights(),
            directory.result(),
            directory.report())) {
      if (Files.exists(file)) {
        put(file);
      }
    }
    JsonObject update = new JsonObject();
    update.addProperty("run_id", run);
    update.addProperty("status", "FINISHED");
    update.addProperty("end_time", System.currentTimeMillis());
    post("runs/update", update);
  }

  private void put(Path file) throws IOException, InterruptedException {
    URI place = URI.create(artifacts);
    if (!"mlflow-artifacts".equals(place.getScheme())) {
      throw new IOException(
          "keeps artifacts in " + artifacts + ", which is not reached through the server");
    }
    String path =
        "/api/2.0/mlflow-artifacts/artifacts" + place.getPath() + "/" + file.getFileName();
    HttpResponse<String> answer =
        send(request(path).PUT(HttpRequest.BodyPublishers.ofFile(file)).build());
    if (answer.statusCode() != 200) {
      throw new IOException(
          "takes no artifact " + file.getFileName() + ": status " + answer.statusCode());
    }
  }

  private HttpRequest.Builder request(String path) {
    String base = server.toString().replaceFirst("/+$", "");
    return HttpRequest.newBuilder(URI.create(base + path)).timeout(PATIENCE);
  }

  private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private JsonObject post(String call, JsonObject body) throws IOException, InterruptedException {
    HttpRequest request =
        request(API + call)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString(), StandardCharsets.UTF_8))
            .build();
    HttpResponse<String> answer = send(request);
    if (answer.statusCode() != 200) {
      String said = answer.body().strip().replaceAll("\\s+", " ");
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: status %d, %s",
              call,
              answer.statusCode(),
              said.substring(0, Math.min(said.length(), LONGEST_PARAMETER))));
    }
    return answer.body().isBlank() ? new JsonObject() : JsonText.parse(answer.body(), "mlflow");
  }

  private static JsonObject object(JsonObject from, String field) throws IOException {
    if (from.get(field) instanceof JsonObject object) {
      return object;
    }
    throw new IOException("answers without " + field);
  }

  private static String text(JsonObject from, String field) throws IOException {
    JsonElement value = from.get(field);
    if (value == null || !value.isJsonPrimitive()) {
      throw new IOException("answers without " + field);
    }
    return value.getAsString();
  }

  @Override
  public void close() {
    sender.shutdown();
    try {
      if (!sender.awaitTermination(LAST_PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        sender.shutdownNow();
        trouble = server + ": did not take everything in time";
      }
    } catch (InterruptedException e) {
      sender.shutdownNow();
      Thread.currentThread().interrupt();
    }
    client.shutdownNow();
    sayTrouble();
  }
}
