package dev.sextant.runtime.service;

import dev.sextant.runtime.CompiledModel;
import dev.sextant.tensor.SextantException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A fixed number of instances of one model, which share its weights, for any number of threads. A
 * request takes a free instance, waiting for one as long as it may, in the order of arrival. The
 * model can be replaced while requests are answered: each is answered by the old one or the new one
 * and none fails.
 *
 * <pre>{@code
 * try (CompiledModel model = CompiledModel.compile(architecture, weights);
 *     ModelPool pool = new ModelPool(model, names, 4, Duration.ofMillis(50))) {
 *   List<Prediction> likeliest =
 *       pool.classify(MemorySegment.ofArray(pixels), CompiledModel.Order.CHANNELS_LAST, 3);
 * }
 * }</pre>
 */
public final class ModelPool implements Predictor {
  private final int instances;
  private final Duration patience;
  private final Semaphore free;
  private volatile Generation current;
  private volatile boolean closed;

  /** The instances of one model. */
  private static final class Generation {
    private final String name;
    private final int classes;
    private final List<String> classNames;
    private final ConcurrentLinkedDeque<CompiledModel> idle = new ConcurrentLinkedDeque<>();
    private volatile boolean retired;

    Generation(CompiledModel model, List<String> classNames, int instances) {
      name = model.architecture().name();
      classes = model.architecture().classes();
      if (!classNames.isEmpty() && classNames.size() != classes) {
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "pool: %d names for the %d classes of %s",
                classNames.size(),
                classes,
                name));
      }
      this.classNames = List.copyOf(classNames);
      List<CompiledModel> made = new ArrayList<>();
      try {
        for (int i = 0; i < instances; i++) {
          made.add(model.fork());
        }
        // One warms the code up for all, and each its own memory.
        made.getFirst().warmUp();
        for (CompiledModel fork : made.subList(1, made.size())) {
          fork.run(new float[fork.inputSize()], new float[fork.batch() * classes]);
        }
      } catch (RuntimeException | Error e) {
        made.forEach(CompiledModel::close);
        throw e;
      }
      idle.addAll(made);
    }

    void giveBack(CompiledModel fork) {
      idle.addFirst(fork);
      if (retired) {
        closeIdle();
      }
    }

    void retire() {
      retired = true;
      closeIdle();
    }

    private void closeIdle() {
      for (CompiledModel fork = idle.pollFirst(); fork != null; fork = idle.pollFirst()) {
        fork.close();
      }
    }
  }

  /**
   * Makes the instances, warmed up.
   *
   * @param model stays the caller's, who may close it at once
   * @param classNames a name for each class, or none
   * @param instances requests that are answered at a time, at least 1
   * @param patience how long a request waits for a free instance at most
   * @throws SextantException if there are not as many names as classes, or no instance is asked for
   */
  public ModelPool(CompiledModel model, List<String> classNames, int instances, Duration patience) {
    if (instances < 1 || patience.isNegative()) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "pool: %d instances and a patience of %s, must be at least 1 and not negative",
              instances,
              patience));
    }
    this.instances = instances;
    this.patience = patience;
    current = new Generation(model, classNames, instances);
    free = new Semaphore(instances, true);
  }

  /**
   * Answers the requests from now on with another model, which is warmed up first; those under way
   * end with the old one, whose instances are then closed.
   *
   * @param model stays the caller's, who may close it at once
   * @param classNames a name for each class, or none
   * @throws SextantException if the pool is closed, or the names do not fit; the old model stays
   */
  public synchronized void replace(CompiledModel model, List<String> classNames) {
    checkOpen();
    Generation next = new Generation(model, classNames, instances);
    Generation old = current;
    current = next;
    old.retire();
  }

  @Override
  public List<Prediction> classify(MemorySegment pixels, CompiledModel.Order order, int k) {
    List<List<Prediction>> answer = new ArrayList<>(1);
    serve(
        (generation, model) -> {
          float[] logits = new float[generation.classes];
          model.runPixels(pixels, order, MemorySegment.ofArray(logits));
          answer.add(Prediction.top(logits, generation.classNames, k));
        });
    return answer.getFirst();
  }

  @Override
  public void run(MemorySegment images, CompiledModel.Order order, MemorySegment logits) {
    serve((generation, model) -> model.run(images, order, logits));
  }

  /** A request, once it has a model. */
  private interface Request {
    void answer(Generation generation, CompiledModel model);
  }

  private void serve(Request request) {
    checkOpen();
    RequestEvent event = new RequestEvent();
    event.begin();
    long start = System.nanoTime();
    acquire();
    try {
      checkOpen();
      event.queued = System.nanoTime() - start;
      Generation generation = current;
      CompiledModel model = generation.idle.pollFirst();
      while (model == null) {
        // Replaced just now: there are as many instances of the new one as permits.
        generation = current;
        model = generation.idle.pollFirst();
        checkOpen();
      }
      try {
        request.answer(generation, model);
      } finally {
        generation.giveBack(model);
      }
      event.model = generation.name;
    } finally {
      free.release();
      event.commit();
    }
  }

  private void acquire() {
    try {
      if (!free.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new OverloadException(
            String.format(
                Locale.ROOT,
                "pool: no model was free within %s; %d are at work",
                patience,
                instances));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SextantException("pool: interrupted while waiting for a free model", e);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new SextantException("pool: is closed");
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      current.retire();
    }
  }
}
