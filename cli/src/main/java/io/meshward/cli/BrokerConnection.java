package io.meshward.cli;

import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** How a command reaches Kafka, by the same options everywhere. */
final class BrokerConnection {
  @Option(
      names = "--bootstrap-servers",
      required = true,
      paramLabel = "HOST:PORT[,…]",
      description = "Brokers to start from.")
  private String bootstrapServers = "";

  @Option(
      names = "--prefix",
      paramLabel = "NAME",
      description = "What all names start with (default: ${DEFAULT-VALUE}).")
  private String prefix = TopicCatalogue.DEFAULT_PREFIX;

  @Option(
      names = "--client-config",
      paramLabel = "FILE",
      description = {
        "A properties file for the Kafka client, such as its security settings; a password is",
        "written as env:NAME or file:/path."
      })
  private @Nullable Path clientConfig;

  /**
   * The options as the settings of clients.
   *
   * @throws ParameterException if one is wrong, naming it
   */
  KafkaConfig config(CommandSpec spec) {
    try {
      return new KafkaConfig(bootstrapServers, prefix, properties(spec));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  /** That the broker did not answer, or not with what was asked for. */
  CommandException unreachable(Throwable cause) {
    return new CommandException(
        ExitCode.UNREACHABLE, bootstrapServers + ": " + cause.getMessage(), cause);
  }

  private Map<String, String> properties(CommandSpec spec) {
    Properties properties = new Properties();
    if (clientConfig != null) {
      try (InputStream in = Files.newInputStream(clientConfig)) {
        properties.load(in);
      } catch (IOException e) {
        throw new ParameterException(
            spec.commandLine(), "--client-config " + clientConfig + " cannot be read: " + e);
      }
    }
    return properties.stringPropertyNames().stream()
        .collect(Collectors.toMap(name -> name, properties::getProperty));
  }
}
