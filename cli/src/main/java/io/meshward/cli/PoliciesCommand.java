package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.KafkaConfig;
import io.meshward.runtime.PolicySummary;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.PolicyBundle;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks authorization policies, and publishes them to the services that take them from Kafka. */
@Command(
    name = "policies",
    description = "Checks authorization policies, and publishes them to services.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class PoliciesCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "no command given: expected check, publish or remove");
  }

  /** Reads policies as a service would; exits with 1 if one cannot be used. */
  @Command(
      name = "check",
      description = "Reads policies as a service would; exits with 1 if one cannot be used.",
      mixinStandardHelpOptions = true)
  int check(
      @Parameters(paramLabel = "FILE", arity = "1..*", description = "Policies.") List<Path> files,
      @Mixin ReadingOptions reading) {
    boolean good = true;
    for (Path file : files) {
      try {
        PolicySummary policy = reading.read(content(file));
        print(
            file
                + ": "
                + policy.id()
                + ", "
                + policy.denyRules()
                + " deny and "
                + policy.allowRules()
                + " allow rules"
                + policy.shadowId().map(shadow -> ", on trial " + shadow).orElse(""));
      } catch (IllegalArgumentException e) {
        good = false;
        print(file + ": " + e.getMessage());
      }
    }
    return good ? ExitCode.OK : ExitCode.PROBLEMS;
  }

  /** Publishes a policy that can be used; exits with 1 if it cannot. */
  @Command(
      name = "publish",
      description = "Publishes a policy as a bundle, once it was checked.",
      mixinStandardHelpOptions = true)
  int publish(
      @Parameters(index = "0", paramLabel = "BUNDLE", description = "The bundle's name.")
          String bundle,
      @Parameters(index = "1", paramLabel = "FILE", description = "The policy.") Path file,
      @Option(
              names = "--shadow",
              paramLabel = "FILE",
              description = "A policy to evaluate beside it.")
          @Nullable Path shadow,
      @Option(
              names = "--actor",
              paramLabel = "NAME",
              description = "Who publishes it (default: the user).")
          @Nullable String actor,
      @Mixin ReadingOptions reading,
      @Mixin TopicOptions topic) {
    String document = content(file);
    String onTrial = shadow == null ? null : content(shadow);
    PolicySummary policy;
    try {
      policy = reading.read(document);
      if (onTrial != null) {
        var _ = reading.read(onTrial);
      }
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.PROBLEMS, "nothing was published: " + e.getMessage());
    }
    topic.write(
        spec,
        bundle,
        EventCodec.encode(
            new PolicyBundle(
                new PolicyBundle.Policy(
                    bundle,
                    document,
                    onTrial,
                    actor == null ? System.getProperty("user.name") : actor,
                    Instant.now()))));
    print("Published " + policy.id() + " as bundle " + bundle + ".");
    return ExitCode.OK;
  }

  /** Removes a bundle: the services that take it refuse every call from then on. */
  @Command(
      name = "remove",
      description = "Removes a bundle: the services that take it refuse every call from then on.",
      mixinStandardHelpOptions = true)
  int remove(
      @Parameters(paramLabel = "BUNDLE", description = "The bundle's name.") String bundle,
      @Mixin TopicOptions topic) {
    topic.write(spec, bundle, null);
    print("Removed bundle " + bundle + ".");
    return ExitCode.OK;
  }

  private void print(String line) {
    spec.commandLine().getOut().println(line);
  }

  private static String content(Path file) {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new CommandException(ExitCode.USAGE, file + ": no such file");
    } catch (MalformedInputException e) {
      throw new CommandException(ExitCode.PROBLEMS, file + ": it is not UTF-8");
    } catch (IOException e) {
      throw new CommandException(ExitCode.USAGE, file + ": " + e.getMessage());
    }
  }

  /** What a policy may need to be read. */
  static final class ReadingOptions {
    @Option(
        names = "--roles",
        paramLabel = "FILE",
        description = "The roles file, for policies that name roles.")
    private @Nullable Path roles;

    @Option(
        names = "--namespace",
        paramLabel = "NAME",
        description = "The service's Kubernetes namespace, for Istio's policies.")
    private String namespace = "";

    @Option(
        names = "--label",
        paramLabel = "NAME=VALUE",
        description = "A label of the service's pods, for Istio's policies; may be repeated.")
    private Map<String, String> labels = Map.of();

    PolicySummary read(String document) {
      return PolicySummary.of(document, roles == null ? "" : content(roles), namespace, labels);
    }
  }

  /** How to reach the topic. */
  static final class TopicOptions {
    @Mixin private BrokerConnection broker = new BrokerConnection();

    @Option(
        names = "--timeout",
        paramLabel = "SECONDS",
        description = "How long an answer of the broker may take (default: ${DEFAULT-VALUE}).")
    private int timeoutSeconds = 30;

    void write(CommandSpec spec, String bundle, byte @Nullable [] value) {
      KafkaConfig kafka = broker.config(spec);
      Map<String, Object> settings = kafka.producer("meshward-policies");
      settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, timeoutSeconds * 1000L);
      settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, timeoutSeconds * 1000);
      settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, timeoutSeconds * 1000);
      try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
        var written =
            producer
                .send(
                    new ProducerRecord<>(
                        kafka.topic(TopicCatalogue.POLICIES), bundle.getBytes(UTF_8), value))
                .get();
        if (!written.hasOffset()) {
          throw new CommandException(ExitCode.UNREACHABLE, "the broker did not confirm the record");
        }
      } catch (ExecutionException e) {
        throw broker.unreachable(e.getCause() == null ? e : e.getCause());
      } catch (KafkaException e) {
        throw broker.unreachable(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandException(ExitCode.UNREACHABLE, "interrupted", e);
      }
    }
  }
}
