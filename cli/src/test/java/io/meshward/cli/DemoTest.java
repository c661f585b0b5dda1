package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Resources;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewTopic;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The stories of the README from end to end, as the demo plays them, on the tests' broker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DemoTest {
  private static final String BEFORE = "somebody-elses-topic";
  private static final String FRONTEND = "spiffe://example.org/ns/shop/sa/frontend";

  @TempDir static Path logs;

  private final StringWriter output = new StringWriter();
  private Broker broker;
  private DemoReport report;
  private @Nullable Forgery forgery;

  @BeforeAll
  void play() throws Exception {
    broker = Brokers.start();
    try (Admin admin = admin()) {
      admin
          .createTopics(List.of(new NewTopic(BEFORE, Optional.of(1), Optional.empty())))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    PrintWriter out = new PrintWriter(output);
    try (Resources resources = new Resources(Duration.ofSeconds(90))) {
      Parts.Options options =
          new Parts.Options(
              Optional.of(broker.bootstrapServers()),
              Optional.empty(),
              Optional.empty(),
              "example.org",
              0,
              true);
      report =
          new Demo(options, new Timeline(out, Clock.systemUTC()), resources, new LogFolder(logs))
              .run();
      if (report.passed()) {
        forgery = Forgery.commit(kafka(), SpiffeId.parse(FRONTEND));
      }
    }
    report.print(out);
  }

  @AfterAll
  void stop() {
    broker.close();
  }

  @Test
  void everythingHolds() {
    assertThat(report.failure()).as(output.toString()).isNull();
    assertThat(report.unexpected()).as(output.toString()).isEmpty();
    assertThat(report.passed()).as(output.toString()).isTrue();
    assertThat(report.scenarios()).hasSize(3);
    assertThat(report.calls()).isGreaterThan(100);
  }

  @Test
  void threeSvidRequestsInThePodOfFrontendQuarantineItAndScaleItToZeroUntilItsRelease() {
    DemoReport.Row row = row(0);

    assertThat(row.detection()).isEqualTo("SVID request burst");
    assertThat(row.events()).isEqualTo(3);
    assertThat(row.actions()).startsWith("identity.quarantine", "workload.scale");
    assertThat(row.verification())
        .anySatisfy(text -> assertThat(text).startsWith("identity.quarantine: effect"))
        .anySatisfy(text -> assertThat(text).startsWith("workload.scale: effect"));
    assertThat(row.milliseconds().toQuarantined()).isNotNull().isPositive();
    assertThat(row.milliseconds().toWritten()).isNotNull().isPositive();
    assertThat(row.refused())
        .allSatisfy(
            refused ->
                assertThat(Set.of(refused.caller(), refused.callee()))
                    .as(refused.toString())
                    .containsAnyOf("frontend", "orders"));
    assertThat(output.toString()).contains("releases it, signed with operator");
  }

  @Test
  void socketTouchedInAPodOfAuthProxyIsolatesThatPodAloneAndRecoversByItself() {
    DemoReport.Row row = row(1);

    assertThat(row.detection()).isEqualTo("Illegal Workload API socket access");
    assertThat(row.events()).isEqualTo(1);
    assertThat(row.actions()).contains("pod.isolate").doesNotContain("identity.quarantine");
    assertThat(row.verification())
        .anySatisfy(text -> assertThat(text).startsWith("pod.isolate: configuration"));
    assertThat(row.milliseconds().toQuarantined()).isNull();
    assertThat(row.milliseconds().toWritten()).isNotNull().isPositive();
    assertThat(row.refused()).isEmpty();
  }

  @Test
  void stolenSvidOfOrdersIsRefusedEverywhereWhileOrdersGoesOnWithARotatedOne() {
    DemoReport.Row row = row(2);

    assertThat(row.detection()).isEqualTo("Stolen SVID");
    assertThat(row.actions()).startsWith("identity.quarantine").doesNotContain("workload.scale");
    assertThat(row.verification())
        .anySatisfy(text -> assertThat(text).startsWith("identity.quarantine: effect"));
    assertThat(row.milliseconds().toQuarantined()).isNotNull().isPositive();
    assertThat(row.milliseconds().toWritten()).isNull();
    assertThat(output.toString())
        .contains("orders     goes on with its new SVID")
        .contains("again before the rotation", "again after the rotation");
  }

  /** Beside the true report of the last story, which was contained without anybody being asked. */
  @Test
  void aForgedReportIsParkedAndNobodyIsContainedOrAskedForIt() {
    assertThat(forgery).as(output.toString()).isNotNull();
    Forgery lies = Objects.requireNonNull(forgery);

    assertThat(lies.contained().approvals()).isEmpty();
    assertThat(lies.letter().letter().cause()).isEqualTo("forged_event");
    assertThat(lies.letter().letter().detail()).contains("not signed by that key");
    // The same lie without a signature proves nothing either way: it is the rule's, and asks.
    Detection unproved = lies.detections().getFirst();
    assertThat(lies.detections()).hasSize(1);
    assertThat(unproved.detection().anchor()).isEqualTo(Forgery.UNSIGNED);
    assertThat(unproved.detection().signature()).isEqualTo(EvidenceRef.Signature.NONE);
    assertThat(lies.containments())
        .isNotEmpty()
        .allSatisfy(
            containment ->
                assertThat(containment.detections()).containsExactly(unproved.detection().id()))
        .extracting(containment -> containment.containment().state())
        .doesNotContain(ContainmentState.EXECUTING, ContainmentState.CONTAINED);
  }

  @Test
  void detectionsComeBeforeWhatIsDoneAboutThem() {
    for (DemoReport.Row row : report.scenarios()) {
      Scenario.Latencies times = row.milliseconds();
      assertThat(times.toDetected()).isNotNegative().isLessThanOrEqualTo(times.toVerified());
      assertThat(Optional.ofNullable(times.toWritten()).orElse(times.toVerified()))
          .isBetween(times.toDetected(), times.toVerified());
    }
  }

  @Test
  void nothingIsLeftOnTheBrokerButWhatWasThereBefore() throws Exception {
    try (Admin admin = admin()) {
      assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS)).containsExactly(BEFORE);
      assertThat(admin.listGroups().all().get(30, TimeUnit.SECONDS))
          .extracting(GroupListing::groupId)
          .isEmpty();
    }
  }

  private DemoReport.Row row(int index) {
    assertThat(report.scenarios()).as(output.toString()).hasSizeGreaterThan(index);
    return report.scenarios().get(index);
  }

  /** The demo's topics, under a prefix that it makes up. */
  private KafkaConfig kafka() throws Exception {
    String suffix = "." + TopicCatalogue.EVENTS_IDENTITY.name();
    try (Admin admin = admin()) {
      String topic =
          admin.listTopics().names().get(30, TimeUnit.SECONDS).stream()
              .filter(name -> name.endsWith(suffix))
              .findFirst()
              .orElseThrow();
      return new KafkaConfig(
          broker.bootstrapServers(),
          topic.substring(0, topic.length() - suffix.length()),
          Map.of());
    }
  }

  private Admin admin() {
    return Admin.create(
        Map.of("bootstrap.servers", Objects.requireNonNull(broker).bootstrapServers()));
  }
}
