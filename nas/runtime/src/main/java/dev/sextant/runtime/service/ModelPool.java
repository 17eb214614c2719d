package dev.sextant.runtime.service;

import dev.sextant.runtime.CompiledModel;
import dev.sextant.runtime.Preprocessing;
import dev.sextant.runtime.event.RequestEvent;
import dev.sextant.runtime.image.Pixels;
import dev.sextant.runtime.service.RequestListener.Outcome;
import dev.sextant.tensor.SextantException;
import java.lang.foreign.MemorySegment;
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
 *     ModelPool pool = new ModelPool(model, names, PoolLimits.of(4, Duration.ofMillis(50)))) {
 *   List<Prediction> likeliest =
 *       pool.classify(MemorySegment.ofArray(pixels), CompiledModel.Order.CHANNELS_LAST, 3);
 * }
 * }</pre>
 */
public final class ModelPool implements Predictor {
  private final PoolLimits limits;
  private final RequestListener listener;
  private final Semaphore free;
  private volatile Generation current;
  private volatile boolean closed;

  /** The instances of one model. */
  private static final class Generation {
    private final String name;
    private final int classes;
    private final Preprocessing preprocessing;
    private final List<String> classNames;
    private final ConcurrentLinkedDeque<CompiledModel> idle = new ConcurrentLinkedDeque<>();
    private volatile boolean retired;

    Generation(CompiledModel model, List<String> classNames, int instances) {
      if (model == null || classNames == null) {
        throw new SextantException(
            "pool: " + (model == null ? "the model" : "the list of class names") + " is null");
      }
      name = model.architecture().name();
      preprocessing = model.preprocessing();
      model.architecture().requireClassifier();
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
   * @param limits of what it takes on
   * @throws SextantException if there are not as many names as classes
   */
  public ModelPool(CompiledModel model, List<String> classNames, PoolLimits limits) {
    this(model, classNames, limits, RequestListener.NONE);
  }

  /**
   * Makes the instances, warmed up, and tells a listener of every request.
   *
   * @param model stays the caller's, who may close it at once
   * @param classNames a name for each class, or none
   * @param limits of what it takes on
   * @param listener told when a request ends
   * @throws SextantException if there are not as many names as classes
   */
  public ModelPool(
      CompiledModel model, List<String> classNames, PoolLimits limits, RequestListener listener) {
    if (limits == null || listener == null) {
      throw new SextantException("pool: limits or listener is null");
    }
    this.limits = limits;
    this.listener = listener;
    current = new Generation(model, classNames, limits.instances());
    free = new Semaphore(limits.instances(), true);
  }

  /** {@return requests that wait for a free instance now, about} */
  public int waiting() {
    return free.getQueueLength();
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
    Generation next = new Generation(model, classNames, limits.instances());
    Generation old = current;
    current = next;
    old.retire();
  }

  @Override
  public List<Prediction> classify(MemorySegment pixels, CompiledModel.Order order, int k) {
    return serve(
        (generation, model) -> {
          float[] logits = new float[generation.classes];
          model.runPixels(pixels, order, MemorySegment.ofArray(logits));
          return Prediction.top(logits, generation.classNames, k);
        });
  }

  @Override
  public List<Prediction> classify(Pixels image, int k) {
    if (image == null) {
      throw new SextantException("pool: the image is null");
    }
    return serve(
        (generation, model) -> {
          float[] logits = new float[generation.classes];
          MemorySegment pixels = MemorySegment.ofArray(generation.preprocessing.fit(image));
          model.runPixels(pixels, CompiledModel.Order.CHANNELS_LAST, MemorySegment.ofArray(logits));
          return Prediction.top(logits, generation.classNames, k);
        });
  }

  @Override
  public void run(MemorySegment images, CompiledModel.Order order, MemorySegment logits) {
    serve(
        (generation, model) -> {
          model.run(images, order, logits);
          return logits;
        });
  }

  @Override
  public void runPixels(MemorySegment pixels, CompiledModel.Order order, MemorySegment logits) {
    serve(
        (generation, model) -> {
          model.runPixels(pixels, order, logits);
          return logits;
        });
  }

  /** A request, once it has a model. */
  private interface Request<A> {
    A answer(Generation generation, CompiledModel model);
  }

  private <A> A serve(Request<A> request) {
    RequestEvent event = new RequestEvent();
    event.begin();
    long start = System.nanoTime();
    long queued = 0;
    String name = current.name;
    Outcome outcome = Outcome.FAILED;
    try {
      checkOpen();
      try {
        acquire();
      } finally {
        queued = System.nanoTime() - start;
      }
      try {
        Generation generation = current;
        CompiledModel model = generation.idle.pollFirst();
        while (model == null) {
          // Replaced just now: there are as many instances of the new one as permits.
          checkOpen();
          generation = current;
          model = generation.idle.pollFirst();
        }
        name = generation.name;
        try {
          A answer = request.answer(generation, model);
          outcome = Outcome.ANSWERED;
          return answer;
        } finally {
          generation.giveBack(model);
        }
      } finally {
        free.release();
      }
    } catch (OverloadException e) {
      outcome = Outcome.OVERLOADED;
      throw e;
    } finally {
      event.model = name;
      event.queued = queued;
      event.outcome = outcome.name();
      event.commit();
      listener.ended(name, outcome, queued, System.nanoTime() - start);
    }
  }

  private void acquire() {
    if (free.availablePermits() == 0 && free.getQueueLength() >= limits.waiting()) {
      throw new OverloadException(
          String.format(
              Locale.ROOT,
              "pool: %d requests wait already and %d are at work",
              limits.waiting(),
              limits.instances()));
    }
    try {
      if (!free.tryAcquire(limits.patience().toNanos(), TimeUnit.NANOSECONDS)) {
        throw new OverloadException(
            String.format(
                Locale.ROOT,
                "pool: no model was free within %s; %d are at work",
                limits.patience(),
                limits.instances()));
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
