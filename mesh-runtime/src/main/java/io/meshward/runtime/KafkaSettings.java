package io.meshward.runtime;

import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.SslConfigs;
import org.jspecify.annotations.Nullable;

/**
 * What {@link MeshSslEngineFactory}, {@link MeshPrincipalBuilder} and {@link JwtSvidLoginHandler}
 * read from the properties of the Kafka client or broker that they are part of. Immutable.
 */
public final class KafkaSettings {

  /**
   * Where the Workload API listens, as {@code unix:/absolute/path} or {@code tcp://ip:port}.
   * Default: the environment variable {@code SPIFFE_ENDPOINT_SOCKET}.
   */
  public static final String WORKLOAD_API = "meshward.workload.api";

  /** The SPIFFE ID to use where the Workload API offers several. Default: the first. */
  public static final String SPIFFE_ID = "meshward.spiffe.id";

  /**
   * Who brokers are: SPIFFE IDs, also with {@code /*} at their end for all below, with commas.
   * Whoever else answers is refused. Required of clients, and of brokers that dial others.
   */
  public static final String BROKERS = "meshward.brokers";

  /** What this client's JWT-SVIDs are for: the one name that the broker expects. */
  public static final String AUDIENCE = "meshward.audience";

  /** {@code none}: this broker serves whoever has an SVID, held in quarantine or not. */
  public static final String QUARANTINE = "meshward.quarantine";

  /**
   * Before the name of each property of the Kafka client with which a broker reads the quarantine,
   * {@code bootstrap.servers} at least.
   */
  public static final String QUARANTINE_CLIENT = "meshward.quarantine.";

  /** What the names of Meshward's topics start with. */
  public static final String TOPIC_PREFIX = "meshward.topic.prefix";

  /** Identities that no hold refuses, in the form of {@link #BROKERS}; a broker's own never is. */
  public static final String PROTECTED = "meshward.protected.identities";

  /** A directory of revocation lists, as {@link RevocationOptions#crlDirectory} reads it. */
  public static final String CRL_DIRECTORY = "meshward.crl.directory";

  /** {@code refuse}: a peer is refused if no list that is in force covers its chain. */
  public static final String CRL_UNDETERMINED = "meshward.crl.undetermined";

  /** An identity that exists already: set within the process, never in a file. */
  static final String SHARED = "meshward.identity";

  /** Who watches the client's connections: set within the process, never in a file. */
  static final String WATCHED_BY = "meshward.watched.by";

  private static final Set<String> CLIENT_NAMES =
      Set.of(WORKLOAD_API, SPIFFE_ID, BROKERS, AUDIENCE, CRL_DIRECTORY, CRL_UNDETERMINED);

  private final Map<String, ?> properties;

  private KafkaSettings(Map<String, ?> properties) {
    this.properties = properties;
  }

  static KafkaSettings of(Map<String, ?> properties) {
    return new KafkaSettings(properties);
  }

  /** Whether a property is one of these, as clients may have them. */
  public static boolean isClientProperty(String name) {
    return CLIENT_NAMES.contains(name);
  }

  /** Whether a client's plugins are ours, and it names no Workload API of its own. */
  static boolean takesIdentity(Map<String, ?> properties) {
    return properties.get(WORKLOAD_API) == null
        && (names(
                properties, SslConfigs.SSL_ENGINE_FACTORY_CLASS_CONFIG, MeshSslEngineFactory.class)
            || names(
                properties,
                SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS,
                JwtSvidLoginHandler.class));
  }

  private static boolean names(Map<String, ?> properties, String property, Class<?> plugin) {
    Object value = properties.get(property);
    return plugin.equals(value) || plugin.getName().equals(value);
  }

  @Nullable DialledEngines watchedBy() {
    return properties.get(WATCHED_BY) instanceof DialledEngines watch ? watch : null;
  }

  @Nullable KafkaIdentity shared() {
    return properties.get(SHARED) instanceof KafkaIdentity identity ? identity : null;
  }

  /**
   * What an identity of its own is opened with; equal settings share one.
   *
   * @param quarantine properties of the client that reads the quarantine; empty if none does
   * @param crlDirectory where revocation lists are, beside those of the Workload API
   * @param undeterminedIsRefused whether who is covered by no list is refused
   */
  record Source(
      @Nullable String workloadApi,
      @Nullable SpiffeId spiffeId,
      Map<String, Object> quarantine,
      String topicPrefix,
      List<String> protectedIdentities,
      @Nullable Path crlDirectory,
      boolean undeterminedIsRefused) {

    RevocationOptions revocation() {
      RevocationOptions lists =
          crlDirectory == null
              ? RevocationOptions.DEFAULT
              : RevocationOptions.DEFAULT.crlDirectory(crlDirectory);
      return undeterminedIsRefused ? lists.refuseUndetermined() : lists;
    }
  }

  Source source() {
    Map<String, Object> quarantine = new TreeMap<>();
    properties.forEach(
        (name, value) -> {
          if (name.startsWith(QUARANTINE_CLIENT) && value != null) {
            quarantine.put(name.substring(QUARANTINE_CLIENT.length()), value);
          }
        });
    return new Source(
        text(WORKLOAD_API),
        spiffeId(),
        Map.copyOf(quarantine),
        topicPrefix(),
        patterns(PROTECTED),
        crlDirectory(),
        undeterminedIsRefused());
  }

  private @Nullable Path crlDirectory() {
    String text = text(CRL_DIRECTORY);
    try {
      return text == null ? null : Path.of(text);
    } catch (InvalidPathException e) {
      throw new ConfigException(CRL_DIRECTORY, text, e.getReason());
    }
  }

  private boolean undeterminedIsRefused() {
    String said = text(CRL_UNDETERMINED);
    if (said != null && !said.equals("refuse")) {
      throw new ConfigException(CRL_UNDETERMINED, said, "expected refuse, or no such property");
    }
    return said != null;
  }

  /**
   * Who brokers are.
   *
   * @throws ConfigException if a pattern is none
   */
  IdentityPatterns brokers() {
    try {
      return IdentityPatterns.parse(patterns(BROKERS));
    } catch (IllegalArgumentException e) {
      throw new ConfigException(BROKERS + ": " + e.getMessage());
    }
  }

  String audience() {
    String audience = text(AUDIENCE);
    if (audience == null) {
      throw new ConfigException(
          AUDIENCE + " is absent: expected the name that the brokers expect in JWT-SVIDs");
    }
    return audience;
  }

  /**
   * Holds of the quarantine are a broker's to honour, or to decline in so many words.
   *
   * @throws ConfigException if it is unsaid, or said twice
   */
  void requireQuarantine(Source source) {
    String said = text(QUARANTINE);
    boolean declined = "none".equals(said);
    if (said != null && !declined) {
      throw new ConfigException(QUARANTINE, said, "expected none, or no such property");
    }
    if (declined == !source.quarantine().isEmpty()) {
      throw new ConfigException(
          "expected either "
              + QUARANTINE_CLIENT
              + "bootstrap.servers, to read the quarantine with, or "
              + QUARANTINE
              + "=none");
    }
  }

  private @Nullable SpiffeId spiffeId() {
    String text = text(SPIFFE_ID);
    try {
      return text == null ? null : SpiffeId.parse(text);
    } catch (InvalidSpiffeIdException e) {
      throw new ConfigException(SPIFFE_ID, text, e.getMessage());
    }
  }

  private String topicPrefix() {
    String text = text(TOPIC_PREFIX);
    try {
      return text == null ? TopicCatalogue.DEFAULT_PREFIX : TopicCatalogue.requirePrefix(text);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(TOPIC_PREFIX, text, e.getMessage());
    }
  }

  private List<String> patterns(String name) {
    String text = text(name);
    return text == null
        ? List.of()
        : Arrays.stream(text.split(",", -1)).map(String::strip).toList();
  }

  private @Nullable String text(String name) {
    Object value = properties.get(name);
    if (value == null || value.toString().isBlank()) {
      return null;
    }
    return value.toString().strip();
  }
}
