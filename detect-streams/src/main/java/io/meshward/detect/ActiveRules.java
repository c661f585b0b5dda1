package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.rules.Diagnostic;
import io.meshward.rules.LoadResult;
import io.meshward.rules.RuleFile;
import io.meshward.rules.RuleLoader;
import io.meshward.rules.RuleSet;
import io.meshward.schemas.DeadLetter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules of this moment: one snapshot, replaced as a whole. The first load must succeed; a later
 * one that fails keeps the rules that are there. Thread-safe.
 */
final class ActiveRules implements Supplier<RuleBook> {
  private static final Logger log = LoggerFactory.getLogger(ActiveRules.class);

  private final List<Path> paths;
  private final Duration lateArrival;
  private final Metrics metrics;
  private final Parking.Place deadLetters;
  private List<RuleFile> read;
  private String problem = "";
  private volatile RuleBook current;

  private ActiveRules(
      List<Path> paths, Duration lateArrival, Metrics metrics, Parking.Place deadLetters) {
    this.paths = paths;
    this.lateArrival = lateArrival;
    this.metrics = metrics;
    this.deadLetters = deadLetters;
    this.read = files(paths);
    this.current = load(read, lateArrival);
    metrics.gauge(Metric.DETECT_RULES, () -> size(current));
  }

  /**
   * Loads rules for the first time.
   *
   * @param deadLetters where changed rules go that cannot be used
   * @throws RulesRejectedException if they cannot be read, are invalid, or are none
   */
  static ActiveRules load(
      List<Path> paths, Duration lateArrival, Metrics metrics, Parking.Place deadLetters) {
    return new ActiveRules(paths, lateArrival, metrics, deadLetters);
  }

  @Override
  public RuleBook get() {
    return current;
  }

  /** Reads the files again and, if they changed and are valid, uses them from now on. */
  synchronized void reload() {
    List<RuleFile> files = List.of();
    try {
      files = files(paths);
      if (!files.equals(read)) {
        read = files;
        current = load(files, lateArrival);
        metrics.increment(Metric.DETECT_RELOADS, "loaded");
      }
      problem = "";
    } catch (RulesRejectedException e) {
      rejected(String.valueOf(e.getMessage()), files);
    }
  }

  /** Says once what is wrong, however often it is looked at. */
  private void rejected(String message, List<RuleFile> files) {
    if (!message.equals(problem)) {
      problem = message;
      String sender = paths.stream().map(Path::toString).collect(Collectors.joining(", "));
      String text = files.stream().map(RuleFile::text).collect(Collectors.joining("---\n"));
      deadLetters.write(
          null,
          new DeadLetter.Origin(null, null, null, sender),
          "rules_rejected",
          message,
          text.getBytes(UTF_8));
      metrics.increment(Metric.DETECT_RELOADS, "rejected");
      log.atError()
          .addKeyValue("problem", message)
          .log("changed rules are rejected, the ones before stay in use");
    }
  }

  private static List<RuleFile> files(List<Path> paths) {
    try {
      return RuleFiles.read(paths);
    } catch (UncheckedIOException e) {
      throw new RulesRejectedException(e);
    }
  }

  private static RuleBook load(List<RuleFile> files, Duration lateArrival) {
    return switch (RuleLoader.load(files, FieldCatalogues.all())) {
      case LoadResult.Rejected(List<Diagnostic> diagnostics) ->
          throw new RulesRejectedException(diagnostics);
      case LoadResult.Loaded(RuleSet rules, List<Diagnostic> warnings) -> {
        warnings.forEach(
            warning -> log.atWarn().addKeyValue("warning", warning).log("suspicious rules"));
        yield book(rules, lateArrival);
      }
    };
  }

  private static RuleBook book(RuleSet rules, Duration lateArrival) {
    if (rules.rules().isEmpty()) {
      throw new RulesRejectedException("there is no rule: expected at least one");
    }
    try {
      RuleBook book = RuleBook.of(rules, lateArrival);
      log.atInfo()
          .addKeyValue("version", rules.version())
          .addKeyValue("rules", rules.rules().size())
          .addKeyValue("detections", rules.detections().size())
          .log("rules are in use");
      return book;
    } catch (IllegalArgumentException e) {
      throw new RulesRejectedException(e);
    }
  }

  private static int size(RuleBook book) {
    return book.rules().rules().size() + book.rules().detections().size();
  }
}
