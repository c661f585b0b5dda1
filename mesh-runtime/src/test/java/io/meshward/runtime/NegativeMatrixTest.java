package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.Variation;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every way to be wrong that we know of, tried at a server and at a client of ours, with BoringSSL
 * and with the JDK's TLS: nobody gets in, and the event says why. Rows are in {@link
 * CertificateRows}, {@link TlsRows}, {@link HoldRows}, {@link ResumptionRows} and {@link CallRows}.
 *
 * <p>One server, one client for each provider and one set of certificates serve all rows. A row
 * looks at the events of its own peer only, by that peer's port.
 */
@TestInstance(Lifecycle.PER_CLASS)
class NegativeMatrixTest {

  /**
   * One thing that is wrong, at one of ours.
   *
   * @param role the side that is ours
   * @param provider who does its TLS
   */
  record Row(Role role, SslProvider provider, Wrong wrong) {
    @Override
    public String toString() {
      return (role == Role.SERVER ? "at a server" : "at a client")
          + (provider == SslProvider.JDK ? " with the JDK's TLS: " : " with BoringSSL: ")
          + wrong.what();
    }
  }

  private final MatrixShop shop = new MatrixShop();
  private final Map<Role, List<Wrong>> wrongs = new EnumMap<>(Role.class);
  private final Map<Role, Map<SslProvider, UnderAttack>> ours = new EnumMap<>(Role.class);

  NegativeMatrixTest() {
    for (Role role : Role.values()) {
      wrongs.put(role, Rows.of(shop, role));
      ours.put(role, new EnumMap<>(SslProvider.class));
      for (SslProvider provider : MatrixShop.PROVIDERS) {
        Target target = shop.start(role, provider);
        of(role)
            .put(
                provider,
                role == Role.SERVER
                    ? new ServerUnderAttack(shop, target)
                    : new ClientUnderAttack(shop, target));
      }
    }
  }

  @AfterAll
  void close() {
    shop.close();
  }

  private Map<SslProvider, UnderAttack> of(Role role) {
    return Objects.requireNonNull(ours.get(role));
  }

  Stream<Row> rows() {
    return wrongs.entrySet().stream()
        .flatMap(
            side ->
                MatrixShop.PROVIDERS.stream()
                    .flatMap(
                        provider ->
                            side.getValue().stream()
                                .map(wrong -> new Row(side.getKey(), provider, wrong))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void whatIsWrongIsRefusedForTheReasonThatTheEventSays(Row row) {
    Objects.requireNonNull(of(row.role()).get(row.provider()))
        .refuses(row.wrong().attack(), row.wrong().reason(row.provider()));
  }

  @Test
  void eachSideIsTriedInAtLeastEightyWaysWithEachProvider() {
    for (Role role : Role.values()) {
      for (SslProvider provider : MatrixShop.PROVIDERS) {
        assertThat(rows().filter(row -> row.role() == role && row.provider() == provider))
            .extracting(Row::toString)
            .doesNotHaveDuplicates()
            .hasSizeGreaterThanOrEqualTo(80);
      }
    }
  }

  @Test
  void whoIsNotWrongGetsIn() {
    for (Role role : Role.values()) {
      SpiffeId peer = shop.self(role == Role.SERVER ? Role.CLIENT : Role.SERVER);
      for (Variation variation : Variation.values()) {
        if (variation.verdict() == Variation.Verdict.VALID) {
          Shown good = Shown.of(shop.own.issue(peer, IssueOptions.DEFAULT.with(variation)));
          of(role).values().forEach(each -> each.lets(good));
        }
      }
    }
  }
}
