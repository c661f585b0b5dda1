package io.meshward.detect;

import java.util.Objects;
import java.util.function.Function;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/** A processor whose work is made once its context is there, so that it can be immutable. */
final class TaskProcessor<KIn, VIn, KOut, VOut> implements Processor<KIn, VIn, KOut, VOut> {
  private final Function<ProcessorContext<KOut, VOut>, Work<KIn, VIn>> maker;
  private @Nullable Work<KIn, VIn> work;

  /** What one task does with its records. Used by one thread. */
  interface Work<K, V> {
    void process(Record<K, V> record);

    /** The task leaves this thread. */
    default void close() {}
  }

  TaskProcessor(Function<ProcessorContext<KOut, VOut>, Work<KIn, VIn>> maker) {
    this.maker = maker;
  }

  @Override
  public void init(ProcessorContext<KOut, VOut> context) {
    work = maker.apply(context);
  }

  @Override
  public void process(Record<KIn, VIn> record) {
    Objects.requireNonNull(work, "not initialised").process(record);
  }

  @Override
  public void close() {
    if (work != null) {
      work.close();
    }
  }
}
