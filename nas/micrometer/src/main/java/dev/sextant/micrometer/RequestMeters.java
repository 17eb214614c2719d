package dev.sextant.micrometer;

import dev.sextant.runtime.service.ModelPool;
import dev.sextant.runtime.service.RequestListener;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Requests of {@link ModelPool}s as meters:
 *
 * <ul>
 *   <li>{@code sextant.requests}, a timer, with the tags {@code model} and {@code outcome}
 *       (answered, overloaded, failed): from the call to its end;
 *   <li>{@code sextant.requests.queue}, a timer, with {@code model}: what answered ones waited;
 *   <li>{@code sextant.requests.waiting}, a gauge, once {@link #bind} has a pool.
 * </ul>
 *
 * <pre>{@code
 * RequestMeters meters = new RequestMeters(registry);
 * ModelPool pool = new ModelPool(model, names, limits, meters);
 * meters.bind(pool, "digits");
 * }</pre>
 *
 * <p>Percentiles are the registry's matter: {@code MeterFilter} or {@code
 * management.metrics.distribution} turns them on. Safe for any number of threads; a request takes
 * no memory once its model is known.
 */
public final class RequestMeters implements RequestListener {
  private final MeterRegistry registry;
  private final Map<String, Timers> models = new ConcurrentHashMap<>();

  /** The timers of one model. */
  private record Timers(Map<Outcome, Timer> requests, Timer queue) {}

  /**
   * Meters of a registry.
   *
   * @param registry where they are registered
   */
  public RequestMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  /**
   * Registers the gauge of those who wait, for as long as the pool is used.
   *
   * @param pool whose requests wait
   * @param name the tag {@code pool}
   */
  public void bind(ModelPool pool, String name) {
    Gauge.builder("sextant.requests.waiting", pool, ModelPool::waiting)
        .tag("pool", name)
        .description("Requests without a model")
        .register(registry);
  }

  @Override
  public void ended(String model, Outcome outcome, long queued, long total) {
    Timers timers = models.get(model);
    if (timers == null) {
      timers = models.computeIfAbsent(model, this::timers);
    }
    Objects.requireNonNull(timers.requests.get(outcome)).record(total, TimeUnit.NANOSECONDS);
    if (outcome == Outcome.ANSWERED) {
      timers.queue.record(queued, TimeUnit.NANOSECONDS);
    }
  }

  private Timers timers(String model) {
    Map<Outcome, Timer> requests = new EnumMap<>(Outcome.class);
    for (Outcome outcome : Outcome.values()) {
      requests.put(
          outcome,
          Timer.builder("sextant.requests")
              .tag("model", model)
              .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
              .description("From the call to its end")
              .maximumExpectedValue(Duration.ofMinutes(1))
              .register(registry));
    }
    Timer queue =
        Timer.builder("sextant.requests.queue")
            .tag("model", model)
            .description("Until a model was free")
            .register(registry);
    return new Timers(requests, queue);
  }
}
