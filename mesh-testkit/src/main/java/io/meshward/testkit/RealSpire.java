package io.meshward.testkit;

import com.nimbusds.jose.util.JSONObjectUtils;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A SPIRE server and agent of their own, as processes on this machine, from the binaries of a SPIRE
 * release: to hold what {@link TestWorkloadApi} imitates against the original. All workloads of the
 * user who runs this process are entitled to what is registered. Its server serves the bundle of
 * its trust domain to others. Not safe for use by several threads.
 */
public final class RealSpire implements AutoCloseable {

  /** The environment variable that names a folder with the binaries, itself or in {@code bin/}. */
  public static final String FOLDER_VARIABLE = "MESHWARD_TEST_SPIRE";

  private static final String SERVER = "spire-server";
  private static final String AGENT = "spire-agent";
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final Pattern ENTRY_ID = Pattern.compile("Entry ID\\s*: (\\S+)");

  /**
   * How a server takes part in the federation by {@code https_web}. Immutable; each method gives a
   * changed copy.
   *
   * @param certificate a PEM file with the chain that its bundle endpoint shows instead of its SVID
   * @param privateKey of that certificate, as a PEM file
   * @param roots a PEM file with whom it trusts as bundle endpoints instead of the system's roots
   */
  public record Web(@Nullable Path certificate, @Nullable Path privateKey, @Nullable Path roots) {

    /**
     * The bundle is served by {@code https_spiffe}, and endpoints are judged by the system's roots.
     */
    public static final Web NONE = new Web(null, null, null);

    /** Serves the bundle by {@code https_web}. */
    public Web serve(Path chain, Path key) {
      return new Web(chain, key, roots);
    }

    /** Judges bundle endpoints of others by these. */
    public Web trust(Path authorities) {
      return new Web(certificate, privateKey, authorities);
    }
  }

  private final Path binaries;
  private final TrustDomain trustDomain;
  private final Path directory;
  private final Web web;
  private final int bundlePort;
  private final Thread stopAtExit = new Thread(this::stopProcesses);
  private @Nullable Process server;
  private @Nullable Process agent;

  private RealSpire(Path binaries, TrustDomain trustDomain, Web web) throws IOException {
    this.binaries = binaries;
    this.trustDomain = trustDomain;
    this.web = web;
    this.directory = UnixSocket.temporaryDirectory();
    this.bundlePort = freePort();
  }

  /** The folder of the binaries, if {@value #FOLDER_VARIABLE} names one. */
  public static Optional<Path> binaries() {
    return Optional.ofNullable(System.getenv(FOLDER_VARIABLE))
        .map(Path::of)
        .flatMap(
            folder ->
                List.of(folder, folder.resolve("bin")).stream()
                    .filter(place -> Files.isExecutable(place.resolve(SERVER)))
                    .findFirst());
  }

  /**
   * Starts a server and an agent and waits until both are healthy.
   *
   * @param binaries the folder of {@code spire-server} and {@code spire-agent}
   * @throws IllegalStateException if they do not start; the message has the end of their logs
   */
  public static RealSpire start(Path binaries, TrustDomain trustDomain) {
    return start(binaries, trustDomain, Web.NONE);
  }

  /** The same for a server that takes part in the federation by {@code https_web}. */
  public static RealSpire start(Path binaries, TrustDomain trustDomain, Web web) {
    RealSpire spire;
    try {
      spire = new RealSpire(binaries, trustDomain, web);
    } catch (IOException e) {
      throw new IllegalStateException("no temporary directory for SPIRE", e);
    }
    boolean started = false;
    try {
      Runtime.getRuntime().addShutdownHook(spire.stopAtExit);
      spire.startBoth();
      started = true;
      return spire;
    } catch (IOException e) {
      throw new IllegalStateException("SPIRE did not start in " + spire.directory, e);
    } finally {
      if (!started) {
        spire.close();
      }
    }
  }

  /** {@code unix:} and the path of the agent's socket. */
  public String address() {
    return "unix:" + socket();
  }

  public Path socket() {
    return directory.resolve("a");
  }

  /** Where the server serves the bundle of its trust domain. */
  public URI bundleEndpoint() {
    return URI.create("https://127.0.0.1:" + bundlePort + "/");
  }

  /** Who serves it, unless a certificate of the web does. */
  public SpiffeId bundleEndpointId() {
    return trustDomain.id("/spire/server");
  }

  /**
   * Entitles the workloads of this user to an identity; the agent follows within seconds.
   *
   * @param federatesWith whose bundles come with it: trust domains that the server knows
   */
  public void register(WorkloadEntry entry, TrustDomain... federatesWith) {
    admin(entryCommand("create", entry, federatesWith));
  }

  /** Replaces what was registered of an identity. */
  public void registerAnew(WorkloadEntry entry, TrustDomain... federatesWith) {
    List<String> command = new ArrayList<>(List.of(entryCommand("update", entry, federatesWith)));
    command.addAll(List.of("-entryID", entryOf(entry.id())));
    admin(command.toArray(String[]::new));
  }

  /** Ends what {@link #register} gave. */
  public void deregister(SpiffeId id) {
    admin("entry", "delete", "-entryID", entryOf(id));
  }

  private String entryOf(SpiffeId id) {
    Matcher found = ENTRY_ID.matcher(admin("entry", "show", "-spiffeID", id.toString()));
    if (!found.find()) {
      throw new IllegalStateException(id + " is not registered");
    }
    return found.group(1);
  }

  private String[] entryCommand(String verb, WorkloadEntry entry, TrustDomain... federatesWith) {
    var command =
        new ArrayList<>(
            List.of("entry", verb, "-parentID", agentId(), "-spiffeID", entry.id().toString()));
    command.addAll(List.of("-selector", "unix:uid:" + userId()));
    command.addAll(List.of("-x509SVIDTTL", seconds(entry.options().timeToLive())));
    command.addAll(List.of("-jwtSVIDTTL", seconds(entry.jwtTimeToLive())));
    if (!entry.hint().isEmpty()) {
      command.addAll(List.of("-hint", entry.hint()));
    }
    for (TrustDomain other : federatesWith) {
      command.addAll(List.of("-federatesWith", "spiffe://" + other));
    }
    return command.toArray(String[]::new);
  }

  /** Runs a command of {@code spire-server} on this server and gives what it prints. */
  public String admin(String... command) {
    var all = new ArrayList<>(List.of(binaries.resolve(SERVER).toString()));
    all.addAll(List.of(command));
    all.addAll(List.of("-socketPath", directory.resolve("s").toString()));
    return run(all);
  }

  /** Stops the agent: its socket goes away. */
  public void stopAgent() {
    stop(agent);
    agent = null;
  }

  /** Starts the agent again on its data, after {@link #stopAgent()}. */
  public void startAgent() {
    try {
      startAgent(List.of());
    } catch (IOException e) {
      throw new IllegalStateException("the SPIRE agent did not start in " + directory, e);
    }
  }

  /** Stops both and removes their data. Idempotent. */
  @Override
  public void close() {
    stopProcesses();
    try {
      Runtime.getRuntime().removeShutdownHook(stopAtExit);
    } catch (IllegalStateException exiting) {
      // The hook runs already.
    }
    removeData();
  }

  private void startBoth() throws IOException {
    int port = freePort();
    Files.createDirectories(directory.resolve("server"));
    Files.createDirectories(directory.resolve("agent"));
    Path serverConfiguration =
        Files.writeString(directory.resolve("server.conf"), serverConfiguration(port));
    Files.writeString(directory.resolve("agent.conf"), agentConfiguration(port));
    server = launch(SERVER, List.of("run", "-config", serverConfiguration.toString()));
    awaitHealth(SERVER, server, "s");
    Files.writeString(directory.resolve("bootstrap.pem"), admin("bundle", "show"));
    startAgent(List.of("-joinToken", joinToken()));
  }

  private void startAgent(List<String> options) throws IOException {
    var command =
        new ArrayList<>(List.of("run", "-config", directory.resolve("agent.conf").toString()));
    command.addAll(options);
    agent = launch(AGENT, command);
    awaitHealth(AGENT, agent, "a");
  }

  private String joinToken() {
    String printed = admin("token", "generate", "-spiffeID", agentId(), "-output", "json");
    try {
      return JSONObjectUtils.getString(JSONObjectUtils.parse(printed), "value");
    } catch (ParseException e) {
      throw new IllegalStateException("a join token expected of spire-server", e);
    }
  }

  private Process launch(String program, List<String> options) throws IOException {
    var command = new ArrayList<>(List.of(binaries.resolve(program).toString()));
    command.addAll(options);
    ProcessBuilder process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(logOf(program).toFile()));
    if (web.roots() != null) {
      process.environment().put("SSL_CERT_FILE", web.roots().toString());
    }
    return process.start();
  }

  private void awaitHealth(String program, Process process, String socket) throws IOException {
    var check =
        new ProcessBuilder(
                binaries.resolve(program).toString(),
                "healthcheck",
                "-socketPath",
                directory.resolve(socket).toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    long deadline = System.nanoTime() + TIMEOUT.toNanos();
    while (exitOf(check.start()) != 0) {
      if (!process.isAlive() || System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(
            program + " is not healthy: " + Files.readString(logOf(program)));
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  private String run(List<String> command) {
    try {
      Path output = Files.createTempFile(directory, "out", "");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      int exit = exitOf(process);
      String printed = Files.readString(output);
      if (exit != 0) {
        throw new IllegalStateException(
            String.join(" ", command) + " exited with " + exit + ": " + printed);
      }
      return printed;
    } catch (IOException e) {
      throw new IllegalStateException("cannot run " + command.get(0), e);
    }
  }

  private static int exitOf(Process process) {
    try {
      if (!process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IllegalStateException("no answer in " + TIMEOUT + " from " + process.info());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a command of SPIRE ran", e);
    }
  }

  private void stopProcesses() {
    stop(agent);
    stop(server);
  }

  private static void stop(@Nullable Process process) {
    if (process == null) {
      return;
    }
    process.destroy();
    try {
      if (!process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private void removeData() {
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new IllegalStateException("cannot remove " + directory, e);
    }
  }

  /**
   * A port that nobody listens on, below those from which the system serves connecting sockets: the
   * many that tests open could take it before whoever it is for.
   */
  private static int freePort() throws IOException {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(10_000, 20_000);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        // The next choice.
      }
    }
  }

  private Path logOf(String program) {
    return directory.resolve(program + ".log");
  }

  private String agentId() {
    return "spiffe://" + trustDomain + "/agent/test";
  }

  private String userId() {
    try {
      return Files.getAttribute(directory, "unix:uid").toString();
    } catch (IOException e) {
      throw new IllegalStateException("no owner of " + directory, e);
    }
  }

  private static String seconds(Duration duration) {
    return Long.toString(duration.toSeconds());
  }

  private String serverConfiguration(int port) {
    return fill(
        """
        server {
          bind_address = "127.0.0.1"
          bind_port = "{port}"
          socket_path = "{directory}/s"
          trust_domain = "{trust-domain}"
          data_dir = "{directory}/server"
          federation {
            bundle_endpoint {
              address = "127.0.0.1"
              port = {bundle-port}
              {bundle-profile}
            }
          }
        }
        plugins {
          DataStore "sql" {
            plugin_data {
              database_type = "sqlite3"
              connection_string = "{directory}/server/data.sqlite3"
            }
          }
          KeyManager "memory" { plugin_data {} }
          NodeAttestor "join_token" { plugin_data {} }
        }
        """,
        port);
  }

  private String agentConfiguration(int port) {
    return fill(
        """
        agent {
          server_address = "127.0.0.1"
          server_port = "{port}"
          socket_path = "{directory}/a"
          trust_domain = "{trust-domain}"
          trust_bundle_path = "{directory}/bootstrap.pem"
          data_dir = "{directory}/agent"
          experimental { sync_interval = "1s" }
        }
        plugins {
          NodeAttestor "join_token" { plugin_data {} }
          KeyManager "disk" { plugin_data { directory = "{directory}/agent" } }
          WorkloadAttestor "unix" { plugin_data {} }
        }
        """,
        port);
  }

  private String fill(String template, int port) {
    String filled = template;
    for (var value :
        Map.of(
                "{port}", Integer.toString(port),
                "{bundle-port}", Integer.toString(bundlePort),
                "{bundle-profile}", bundleProfile(),
                "{directory}", directory.toString(),
                "{trust-domain}", trustDomain.name())
            .entrySet()) {
      filled = filled.replace(value.getKey(), value.getValue());
    }
    return filled;
  }

  private String bundleProfile() {
    return web.certificate() == null || web.privateKey() == null
        ? "profile \"https_spiffe\" {}"
        : """
        profile "https_web" {
          serving_cert_file {
            cert_file_path = "%s"
            key_file_path = "%s"
            file_sync_interval = "1h"
          }
        }
        """
            .formatted(web.certificate(), web.privateKey());
  }
}
