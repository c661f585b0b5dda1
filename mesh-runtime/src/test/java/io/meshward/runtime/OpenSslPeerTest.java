package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.grpc.Server;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.testkit.IssuedSvid;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code openssl s_client} as a peer that is not of our making. */
class OpenSslPeerTest {
  private static final Base64.Encoder PEM = Base64.getMimeEncoder(64, new byte[] {'\n'});

  /** What it never says. */
  private static final String UNTIL_IT_ENDS = "\0";

  private final Shop shop = new Shop();
  private final SpiffeId responder = shop.mesh.trustDomain().name().id("/ns/mesh/sa/status");
  @TempDir private Path folder = Path.of("/tmp");
  private int port;

  @BeforeAll
  static void findOpenSsl() {
    assumeThat(isThere()).as("no openssl on this machine: its peer is left out").isTrue();
  }

  private static boolean isThere() {
    try {
      return new ProcessBuilder("openssl", "version").start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void serve() throws IOException {
    MeshRuntime status =
        shop.closing(
            MeshRuntime.builder()
                .workloadApi(shop.mesh.addressFor(responder))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    MeshRuntime orders =
        shop.ordersRuntime(
            builder ->
                builder.revocation(
                    RevocationOptions.DEFAULT.staple(
                        (leaf, issuer) ->
                            status
                                .statusSigner()
                                .sign(List.of(leaf), issuer, Duration.ofMinutes(5)),
                        responder)));
    Server server = shop.serve(orders);
    port = server.getPort();
    IssuedSvid frontend = shop.mesh.trustDomain().issue(shop.frontend);
    write("cert.pem", frontend.leaf());
    write("ca.pem", shop.mesh.trustDomain().x509Authorities().get(0));
    Files.writeString(
        folder.resolve("key.pem"), pem("PRIVATE KEY", frontend.privateKey().getEncoded()), UTF_8);
  }

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void isLetInWithItsSvid() throws Exception {
    assertThat(talk(withSvid("-alpn", "h2"), "New Session Ticket arrived"))
        .contains("TLSv1.3", "ALPN protocol: h2", "Verify return code: 0 (ok)");

    assertThat(outcome().result()).isEqualTo(Result.SUCCESS);
  }

  @Test
  void isRefusedWithoutACertificate() throws Exception {
    talk(List.of("-alpn", "h2"), UNTIL_IT_ENDS);

    assertThat(outcome().detail()).isEqualTo("no_client_cert");
  }

  @Test
  void isRefusedWithTls12() throws Exception {
    assertThat(talk(withSvid("-alpn", "h2", "-tls1_2"), UNTIL_IT_ENDS))
        .contains("alert protocol version");

    assertThat(outcome().result()).isEqualTo(Result.PROTOCOL_VERSION_UNSUPPORTED);
  }

  @Test
  void isRefusedWithAnotherAlpn() throws Exception {
    talk(withSvid("-alpn", "http/1.1"), UNTIL_IT_ENDS);

    assertThat(outcome().detail()).isEqualTo("no_h2_alpn");
  }

  @Test
  void cannotResumeItsSession() throws Exception {
    String session = folder.resolve("session").toString();
    talk(withSvid("-alpn", "h2", "-sess_out", session), "New Session Ticket arrived");
    Eventually.await("a session", () -> Files.exists(Path.of(session)));

    assertThat(talk(withSvid("-alpn", "h2", "-sess_in", session), "Verify return code"))
        .contains("New, TLSv1.3")
        .doesNotContain("Reused, TLSv1.3");
  }

  @Test
  void isGivenTheStaple() throws Exception {
    String[] said = {""};
    // The first response is fetched beside the start.
    Eventually.await(
        () -> "a staple in " + said[0],
        Duration.ofSeconds(30),
        () -> {
          said[0] = talk(withSvid("-alpn", "h2", "-status"), "Verify return code");
          return said[0].contains("OCSP Response Status: successful");
        });

    assertThat(said[0]).contains("Cert Status: good");
  }

  private List<String> withSvid(String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.addAll(
        List.of(
            "-cert", folder.resolve("cert.pem").toString(),
            "-key", folder.resolve("key.pem").toString()));
    return all;
  }

  /** What it prints until it has said something, or ends. */
  private String talk(List<String> options, String until) {
    List<String> command = new ArrayList<>(List.of("openssl", "s_client"));
    command.addAll(List.of("-connect", "127.0.0.1:" + port));
    command.addAll(List.of("-CAfile", folder.resolve("ca.pem").toString()));
    command.addAll(options);
    StringBuilder said = new StringBuilder();
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (BufferedReader out = process.inputReader(UTF_8)) {
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          said.append(line).append('\n');
          if (line.contains(until)) {
            break;
          }
        }
      } finally {
        process.destroy();
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      }
      return said.toString();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private TlsHandshake.Tls outcome() {
    return shop.serverEvents.await(TlsHandshake.class, event -> true).tls();
  }

  private void write(String name, X509Certificate certificate) throws IOException {
    try {
      Files.writeString(folder.resolve(name), pem("CERTIFICATE", certificate.getEncoded()), UTF_8);
    } catch (CertificateEncodingException e) {
      throw new AssertionError(e);
    }
  }

  private static String pem(String what, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(what, PEM.encodeToString(der), what);
  }
}
