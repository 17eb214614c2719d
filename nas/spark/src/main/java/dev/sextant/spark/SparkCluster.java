package dev.sextant.spark;

import dev.sextant.nas.workers.Cluster;
import dev.sextant.tensor.SextantException;
import java.io.IOException;
import java.io.Serializable;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/** What a Spark application can do. */
final class SparkCluster implements Cluster {
  /** Jobs handed over at once; Spark queues what there is no room for. */
  private static final int MOST_JOBS = 256;

  /** How often workers that do something together begin again before it is given up. */
  private static final int MOST_ATTEMPTS = 4;

  /** Seconds to wait for the first executor, and for no more to come. */
  private static final int MOST_LOOKS = 60;

  private static final int SECRET_BYTES = 32;

  /** What a worker found wrong, among the reasons that Spark gives. */
  private static final Pattern SENTENCE =
      Pattern.compile(Pattern.quote(SextantException.class.getName()) + ": (.+)");

  private final JavaSparkContext spark;

  SparkCluster(JavaSparkContext spark) {
    this.spark = spark;
  }

  /** What became of a task. */
  private record Answer(int task, @Nullable String text, @Nullable String failure)
      implements Serializable {}

  @Override
  public void each(List<? extends Task> tasks, boolean wholeMachines, Ended ended) {
    BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
    ExecutorService jobs =
        Executors.newFixedThreadPool(
            Math.clamp(tasks.size(), 1, MOST_JOBS),
            job -> {
              Thread thread = new Thread(job, "sextant-job");
              thread.setDaemon(true);
              return thread;
            });
    try {
      for (int i = 0; i < tasks.size(); i++) {
        int number = i;
        // A job each: one that goes wrong leaves the others alone, and each is told of as it ends.
        jobs.execute(
            () -> answers.add(answer(number, new OneTask(tasks.get(number), wholeMachines))));
      }
      for (int i = 0; i < tasks.size(); i++) {
        Answer answer = answers.take();
        ended.task(answer.task, answer.text, answer.failure);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SextantException("cluster: interrupted while waiting", e);
    } finally {
      jobs.shutdownNow();
    }
  }

  private Answer answer(int number, OneTask task) {
    try {
      Answer own = spark.parallelize(List.of(number), 1).map(task).collect().getFirst();
      return new Answer(number, own.text, own.failure);
    } catch (Exception e) {
      // Spark's are checked, but Scala does not say so.
      return new Answer(number, null, SparkClusters.firstLine(e));
    }
  }

  /** A task where it is done. */
  private static final class OneTask implements Function<Integer, Answer> {
    private static final long serialVersionUID = 1;
    private static final Object MACHINE = new Object();

    private final Task task;
    private final boolean wholeMachine;

    OneTask(Task task, boolean wholeMachine) {
      this.task = task;
      this.wholeMachine = wholeMachine;
    }

    @Override
    public Answer call(Integer number) {
      int attempt = TaskContext.get().attemptNumber();
      try {
        if (wholeMachine) {
          synchronized (MACHINE) {
            return new Answer(number, task.run(attempt), null);
          }
        }
        return new Answer(number, task.run(attempt), null);
      } catch (SextantException e) {
        // It would go wrong again: no other attempt.
        return new Answer(number, null, e.getMessage());
      }
    }
  }

  @Override
  public void together(int workers, Joint joint) {
    for (int attempt = 0; ; attempt++) {
      try {
        // A failed barrier stage that ends in a result aborts its job: Spark does not begin again.
        onBarrier(workers, joint, attempt);
        return;
      } catch (Exception e) {
        // Spark's are checked, but Scala does not say so.
        Matcher sentence = SENTENCE.matcher(String.valueOf(e.getMessage()));
        if (sentence.find()) {
          throw new SextantException(sentence.group(1), e);
        }
        if (attempt + 1 == MOST_ATTEMPTS) {
          throw new SextantException(
              String.format(
                  Locale.ROOT,
                  "workers: lost %d times, the last time: %s",
                  MOST_ATTEMPTS,
                  SparkClusters.firstLine(e)),
              e);
        }
      }
    }
  }

  private void onBarrier(int workers, Joint joint, int attempt) {
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    JavaRDD<Integer> ranks = spark.parallelize(Collections.nCopies(workers, 0), workers);
    ClassTag<Integer> tag = ClassTag$.MODULE$.apply(Integer.class);
    JavaRDD.fromRDD(
            ranks
                .rdd()
                .barrier()
                .mapPartitions(new OneWorker(joint, workers, attempt, secret), false, tag),
            tag)
        .collect();
  }

  /** A worker where it works. */
  private static final class OneWorker
      extends AbstractFunction1<
          scala.collection.Iterator<Integer>, scala.collection.Iterator<Integer>>
      implements Serializable {
    private static final long serialVersionUID = 1;

    private final Joint joint;
    private final int count;
    private final int attempt;
    private final byte[] secret;

    OneWorker(Joint joint, int count, int attempt, byte[] secret) {
      this.joint = joint;
      this.count = count;
      this.attempt = attempt;
      this.secret = secret;
    }

    @Override
    public scala.collection.Iterator<Integer> apply(scala.collection.Iterator<Integer> none) {
      BarrierTaskContext context = BarrierTaskContext.get();
      String host = SparkEnv.get().blockManager().blockManagerId().host();
      try (SocketWorkers.Door door = SocketWorkers.listen(host)) {
        // Once for all: an exchange through the driver takes a second, whatever its size.
        List<String> addresses = new ArrayList<>(List.of(context.allGather(door.address())));
        try (SocketWorkers workers =
            door.connect(context.partitionId(), addresses, secret, SocketWorkers.Limits.DEFAULT)) {
          joint.run(workers, attempt);
          workers.meet();
        }
      } catch (WorkerLostException e) {
        giveWay();
        throw e;
      } catch (IOException e) {
        throw new WorkerLostException("workers: " + e.getMessage(), e);
      }
      Iterator<Integer> nothing = Collections.emptyIterator();
      return CollectionConverters.asScala(nothing);
    }

    /** What went wrong elsewhere, and ended the connection, is to be told first. */
    private static void giveWay() {
      pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(1000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Executors come one after the other: as many as there were a second before are all. */
  @Override
  public int machines() {
    int known = 0;
    for (int look = 0; look < MOST_LOOKS; look++) {
      // The driver is among them, which does nothing itself unless it is alone.
      int now = spark.sc().statusTracker().getExecutorInfos().length - 1;
      if (spark.isLocal() && !spark.master().startsWith("local-cluster")
          || now > 0 && now == known) {
        return Math.max(1, now);
      }
      known = now;
      pause();
    }
    throw new SextantException("cluster: no executor has come (are there workers?)");
  }

  @Override
  public void close() {
    spark.close();
  }
}
