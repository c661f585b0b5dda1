package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.detect.Bench.Written;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.Fact;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.Target;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The topology as a whole, without a broker. */
class TopologyTest {
  private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

  private static final String RULES =
      """
      - rule: Shell
        desc: a shell
        source: falco.alert
        condition: proc.name = bash
        output: shell in %k8s.pod.name, %proc.cmdline
        priority: Critical
        tags: [b, a]
      - rule: Fetch
        desc: a fetch
        source: falco.alert
        condition: proc.name = fetch
        output: fetch
        priority: Notice
      - rule: Denied
        desc: a denied call
        source: authz.decision
        condition: authz.decision = deny
        output: denied
        priority: Notice
      - rule: Upper case
        desc: an ID in upper case
        source: tls.handshake
        condition: peer.non_canonical = true
        output: "%peer.id in upper case: %peer.non_canonical"
        priority: Notice
      - detection: Burst
        desc: three of either
        output: "%correlation.count in %workload.key, last %event.kind by %toupper(event.source)"
        priority: Warning
        tags: [burst]
        correlation:
          type: event_count
          rules: [Fetch, Denied]
          group-by: [workload.key]
          timespan: 60s
          condition: {gte: 3}
      """;

  @TempDir Path directory;
  private Bench bench;

  @BeforeEach
  void start() {
    bench = new Bench(directory, START, Bench.rules(RULES));
  }

  @AfterEach
  void stop() {
    bench.close();
  }

  // Without a window

  @Test
  void aRuleWithoutAWindowDetectsAtOnce() {
    bench.knows(Events.pod("orders", 0, "10.0.0.3", START.minusSeconds(60)));
    Instant time = START.minusSeconds(7);
    bench.send(shell("e-1", time));

    Written<Detection> written = one();
    Detection detection = written.data();
    assertThat(detection.detection().rule()).isEqualTo("Shell");
    assertThat(detection.detection().version()).matches("[0-9a-f]{12}");
    assertThat(detection.detection().priority()).isEqualTo("Critical");
    assertThat(detection.detection().source()).isEqualTo("falco.alert");
    assertThat(detection.detection().tags()).containsExactly("a", "b");
    assertThat(detection.detection().output()).isEqualTo("shell in orders-0, bash -i");
    assertThat(detection.detection().anchor()).isEqualTo("e-1");
    assertThat(detection.detection().time()).isEqualTo(time);
    assertThat(detection.detection().detectedAt()).isEqualTo(START);
    assertThat(detection.detection().late()).isFalse();
    assertThat(detection.detection().reporter()).isEqualTo("//demo/ingest");
    assertThat(detection.window()).isNull();
    assertThat(detection.group()).isEmpty();
    assertThat(detection.evidence())
        .containsExactly(new EvidenceRef("meshward.events.falco", 0, 0, "e-1", null, null));
    assertThat(detection.target())
        .isEqualTo(Events.pod("orders", 0, "10.0.0.3", START.minusSeconds(60)).target());
    assertThat(written.key()).isEqualTo("demo/uid-orders");
  }

  @Test
  void aRecordCarriesTheWallClockAndItsHeaderTheEventTime() {
    Instant time = START.minusSeconds(7);
    bench.send(shell("e-1", time));

    Written<Detection> written = one();
    assertThat(written.timestamp()).isEqualTo(START);
    assertThat(written.envelope().time()).isEqualTo(time);
    assertThat(written.envelope().source()).isEqualTo("//demo/detect");
    assertThat(written.envelope().id()).isEqualTo(written.data().detection().id());
    assertThat(new String(written.headers().lastHeader("ce_type").value(), UTF_8))
        .isEqualTo("io.meshward.detection.v1");
    assertThat(written.headers().toArray())
        .extracting(header -> header.key())
        .doesNotHaveDuplicates();
  }

  @Test
  void anEventThatMatchesNothingLeavesNoTrace() {
    bench.send(alert("e-1", START, "orders-0", "java"));
    assertThat(bench.detections()).isEmpty();
    assertThat(bench.facts()).isEmpty();
  }

  @Test
  void aRuleSeesThatAPeersIdWasNotWrittenInItsCanonicalForm() {
    bench.send(Events.handshake("e-1", START, "payment", Events.id("orders"), "10.0.0.3"));
    assertThat(bench.detections()).isEmpty();

    bench.send(Events.nonCanonicalHandshake("e-2", START, "payment", Events.id("orders")));
    assertThat(one().data().detection().output())
        .isEqualTo(Events.id("orders") + " in upper case: true");
  }

  @Test
  void theSameEventTwiceIsDetectedOnce() {
    bench.send(shell("e-1", START));
    bench.send(shell("e-1", START));
    assertThat(bench.detections()).hasSize(1);
    bench.advance(Duration.ofSeconds(1));
    assertThat(bench.metrics()).contains("meshward_detect_seen_events 1.0");
  }

  @Test
  void theSameIdFromAnotherReporterIsAnotherEvent() {
    Envelope<FalcoAlert> alert = shell("e-1", START);
    bench.send(alert);
    bench.send(new Envelope<>("e-1", "//other/ingest", START, alert.data()));
    assertThat(bench.detections()).hasSize(2);
  }

  @Test
  void anIdDependsOnRuleAndEventAlone() {
    bench.send(shell("e-1", START));
    String id = one().data().detection().id();
    assertThat(id).matches("[0-9a-f]{64}");

    try (Bench again = new Bench(directory.resolve("again"), START, Bench.rules(RULES))) {
      again.advance(Duration.ofMinutes(3));
      again.send(shell("e-0", START));
      again.send(shell("e-1", START));
      List<String> ids =
          again.detections().stream().map(written -> written.data().detection().id()).toList();
      assertThat(ids).hasSize(2).doesNotHaveDuplicates().last().isEqualTo(id);
    }
  }

  @Test
  void aTimeFarAheadIsClampedAndFlagged() {
    Instant ahead = START.plus(EventTimes.TOLERANCE);
    bench.send(shell("near", ahead));
    assertThat(one().data().detection().late()).isFalse();

    bench.send(shell("far", ahead.plusMillis(2)));
    Detection.Finding finding = one().data().detection();
    assertThat(finding.late()).isTrue();
    assertThat(finding.time()).isEqualTo(ahead);
  }

  @Test
  void aPodThatNobodyKnowsIsNamedAsTheAlertNamesIt() {
    bench.send(shell("e-1", START));
    Target target = one().data().target();
    assertThat(target.cluster()).isEqualTo("demo");
    assertThat(target.namespace()).isEqualTo("shop");
    assertThat(target.pod()).isEqualTo("orders-0");
    assertThat(target.owner()).isNull();
  }

  @Test
  void aHugeOutputIsCut() {
    Map<String, Object> fields = Map.of("proc.name", "bash", "proc.cmdline", "x".repeat(100_000));
    bench.send(Events.alert("e-1", START, "orders-0", fields));
    assertThat(one().data().detection().output()).hasSize(Findings.MAX_TEXT).endsWith("…");
  }

  // With a window

  @Test
  void theThirdEventCompletesAWindow() {
    bench.knows(Events.pod("orders", 0, "10.0.0.3", START.minusSeconds(60)));
    for (int n = 0; n < 3; n++) {
      assertThat(bench.detections()).isEmpty();
      bench.send(alert("e-" + n, START.plusMillis(n), "orders-0", "fetch"));
    }

    Written<Detection> written = one();
    Detection detection = written.data();
    assertThat(detection.detection().rule()).isEqualTo("Burst");
    assertThat(detection.detection().output())
        .isEqualTo("3 in demo/uid-orders, last falco.alert by //DEMO/INGEST");
    assertThat(detection.detection().anchor()).isEqualTo("e-2");
    assertThat(detection.group()).isEqualTo(Map.of("workload.key", "demo/uid-orders"));
    assertThat(detection.window())
        .isEqualTo(new Detection.Window(START, START.plusMillis(2), 60_000, 3, "gte 3"));
    assertThat(detection.evidence())
        .extracting(EvidenceRef::eventId)
        .containsExactly("e-0", "e-1", "e-2");
    assertThat(detection.evidence()).extracting(EvidenceRef::offset).containsExactly(0L, 1L, 2L);
    assertThat(detection.target().podUid()).isEqualTo("uid-orders-0");
    assertThat(written.key()).isEqualTo("demo/uid-orders");
    assertThat(written.timestamp()).isEqualTo(START);
  }

  @Test
  void eventsOfSeveralSourcesCountTogether() {
    bench.knows(Events.pod("orders", 0, "10.0.0.3", START.minusSeconds(60)));
    bench.send(alert("a", START, "orders-0", "fetch"));
    bench.send(denied("b", START.plusMillis(1)));
    bench.send(denied("c", START.plusMillis(2)));

    Detection detection = one().data();
    assertThat(detection.detection().output()).contains("last authz.decision by");
    assertThat(detection.svid()).isNotNull();
    assertThat(detection.peer()).isNotNull();
    assertThat(detection.evidence())
        .extracting(EvidenceRef::topic)
        .containsExactly(
            "meshward.events.falco", "meshward.events.identity", "meshward.events.identity");
  }

  @Test
  void aRuleThatIsOnlyCountedDetectsNothingByItself() {
    bench.send(alert("a", START, "orders-0", "fetch"));
    assertThat(bench.detections()).isEmpty();
    assertThat(bench.facts()).hasSize(1);
  }

  @Test
  void groupsDoNotMix() {
    for (int n = 0; n < 10; n++) {
      bench.send(alert("e-" + n, START, "pod-" + n, "fetch"));
    }
    assertThat(bench.detections()).isEmpty();
  }

  @Test
  void postingEachEventTwiceChangesNoCount() {
    for (int n = 0; n < 3; n++) {
      bench.send(alert("e-" + n, START.plusMillis(n), "orders-0", "fetch"));
      bench.send(alert("e-" + n, START.plusMillis(n), "orders-0", "fetch"));
    }
    for (int n = 0; n < 3; n++) {
      bench.send(alert("e-" + n, START.plusMillis(n), "orders-0", "fetch"));
    }
    assertThat(bench.detections()).hasSize(1);
  }

  @Test
  void evidenceIsBounded() {
    String rules =
        """
        - rule: Any
          desc: any
          source: falco.alert
          condition: proc.name exists
          output: any
          priority: Notice
        - detection: Many
          desc: many
          output: many
          priority: Notice
          correlation:
            {type: event_count, rules: [Any], group-by: [k8s.pod.name], timespan: 60s, condition: {gte: 50}}
        """;
    bench.use(Bench.rules(rules));
    for (int n = 0; n < 50; n++) {
      // The one that completes the window happened first.
      bench.send(alert("e-" + n, START.minusMillis(n), "orders-0", "java"));
    }
    Detection detection = one().data();
    assertThat(detection.window()).extracting(Detection.Window::count).isEqualTo(50L);
    assertThat(detection.evidence()).hasSize(20).first().isEqualTo(evidence("e-49", 49));
    assertThat(detection.evidence()).last().isEqualTo(evidence("e-0", 0));
  }

  @Test
  void aFactSaysWhatItsDetectionNeeds() {
    bench.send(alert("e-1", START.minusSeconds(1), "orders-0", "fetch"));
    Written<Fact> written = bench.facts().getFirst();
    assertThat(written.key()).isEqualTo("[\"Burst\",\"workload.key=demo/shop/orders-0\"]");
    assertThat(written.timestamp()).isEqualTo(START);
    assertThat(written.envelope().time()).isEqualTo(START.minusSeconds(1));
    Fact.Match match = (Fact.Match) written.data();
    assertThat(match.correlation().detection()).isEqualTo("Burst");
    assertThat(match.correlation().rule()).isEqualTo("Fetch");
    assertThat(match.correlation().group()).containsExactly("demo/shop/orders-0");
    assertThat(match.event().fields())
        .isEqualTo(
            Map.of(
                "workload.key", "demo/shop/orders-0",
                "event.kind", "falco.alert",
                "event.source", "//demo/ingest"));
  }

  @Test
  void aChangedRuleGoesOnWithWhatWasCounted() {
    bench.send(alert("a", START, "orders-0", "fetch"));
    bench.send(alert("b", START, "orders-0", "fetch"));
    bench.use(Bench.rules(RULES.replace("last %event.kind", "then %event.kind")));
    bench.send(alert("c", START, "orders-0", "fetch"));
    assertThat(one().data().detection().output()).contains("then falco.alert");
  }

  @Test
  void factsOfARuleThatIsGoneAreCountedAndLeft() {
    bench.send(alert("a", START, "orders-0", "fetch"));
    Written<Fact> fact = bench.facts().getFirst();
    bench.use(Bench.rules(RULES.replace("detection: Burst", "detection: Flood")));
    bench.send(TopicCatalogue.FACTS, fact.key(), fact.envelope());
    assertThat(bench.detections()).isEmpty();
    assertThat(bench.metrics()).contains("meshward_detect_facts_total{outcome=\"outdated\"} 1.0");
  }

  // Time

  @Test
  void eachTaskPromisesItsLowEventTimeOnceASecond() {
    bench.send(alert("a", START, "orders-0", "java"));
    bench.advance(Duration.ofSeconds(1));
    assertThat(promises()).containsExactly(Map.entry("events.falco-0", START.minusSeconds(5)));

    bench.send(alert("b", START.plusMillis(500), "orders-0", "java"));
    bench.advance(Duration.ofSeconds(1));
    assertThat(promises())
        .containsExactly(Map.entry("events.falco-0", START.minusSeconds(5).plusMillis(500)));
  }

  @Test
  void anIdleTaskFollowsTheClock() {
    bench.advance(Duration.ofSeconds(4));
    assertThat(promises()).isEmpty();
    bench.advance(Duration.ofSeconds(1));
    Instant low = START.plusSeconds(5).minusSeconds(5);
    assertThat(promises())
        .containsExactly(Map.entry("events.falco-0", low), Map.entry("events.identity-0", low));
  }

  @Test
  void anEventBehindTheWatermarkCountsAndIsFlagged() {
    advanceUntilThereIsAWatermark();
    Instant old = bench.now().minusSeconds(30);
    for (int n = 0; n < 3; n++) {
      bench.send(alert("e-" + n, old.plusMillis(n), "orders-0", "fetch"));
    }
    assertThat(one().data().detection().late()).isTrue();
    assertThat(bench.metrics()).contains("meshward_detect_facts_total{outcome=\"late\"} 3.0");
  }

  @Test
  void groupsAreForgottenOnceTheirWindowsAreOver() {
    bench.send(alert("a", START, "orders-0", "fetch"));
    advanceUntilThereIsAWatermark();
    assertThat(bench.metrics()).contains("meshward_detect_groups 1.0");
    bench.advance(Duration.ofMinutes(11));
    bench.advance(Duration.ofSeconds(1));
    assertThat(bench.metrics()).contains("meshward_detect_groups 0.0");
  }

  // Poison

  @Test
  void whatCannotBeReadIsParkedAndTheNextRecordTaken() {
    for (Topic topic : DetectTopology.SOURCES) {
      bench.sendRaw(topic, "k", new RecordHeaders(), "no event".getBytes(UTF_8));
      bench.sendRaw(topic, "k", new RecordHeaders(), null);
    }
    RecordHeaders headers = new RecordHeaders();
    CloudEvents.writeHeaders(shell("x", START), headers);
    bench.sendRaw(TopicCatalogue.EVENTS_FALCO, "k", headers, "{\"a\":".getBytes(UTF_8));
    bench.sendRaw(TopicCatalogue.EVENTS_FALCO, "k", headers, "[]".getBytes(UTF_8));
    bench.sendRaw(TopicCatalogue.EVENTS_IDENTITY, "k", headers, "{}".getBytes(UTF_8));
    bench.sendRaw(TopicCatalogue.FACTS, "k", new RecordHeaders(), "{}".getBytes(UTF_8));
    bench.sendRaw(TopicCatalogue.INVENTORY, "k", new RecordHeaders(), "{}".getBytes(UTF_8));

    assertThat(bench.parked()).hasSize(9).allMatch(cause -> cause.startsWith("malformed_event: "));
    assertThat(bench.origins()).extracting(origin -> origin.topic()).contains("meshward.facts");
    bench.send(shell("e-1", START));
    assertThat(bench.detections()).hasSize(1);
  }

  @Test
  void anEventThatMatchesButBreaksItsSchemaIsParked() {
    RecordHeaders headers = new RecordHeaders();
    CloudEvents.writeHeaders(shell("x", START), headers);
    bench.sendRaw(
        TopicCatalogue.EVENTS_FALCO,
        "k",
        headers,
        """
        {"falco": {}, "k8s": {}, "extra": {}, "output_fields": {"proc.name": "bash"}}
        """
            .getBytes(UTF_8));
    assertThat(bench.detections()).isEmpty();
    assertThat(bench.parked()).singleElement().asString().contains("malformed_event: FalcoAlert");
  }

  @Test
  void anUnreadableRecordOfThePodLeavesWhatWasKnown() {
    Inventory pod = Events.pod("orders", 0, "10.0.0.3", START.minusSeconds(60));
    bench.knows(pod);
    bench.sendRaw(
        TopicCatalogue.INVENTORY, "demo/uid-orders-0", new RecordHeaders(), "{}".getBytes(UTF_8));
    bench.send(shell("a", START));
    assertThat(one().data().target().podUid()).isEqualTo("uid-orders-0");
    bench.forgets(pod);
    bench.send(shell("b", START));
    assertThat(one().data().target().podUid()).isNull();
  }

  private Written<Detection> one() {
    List<Written<Detection>> detections = bench.detections();
    assertThat(detections).hasSize(1);
    return detections.getFirst();
  }

  private List<Map.Entry<String, Instant>> promises() {
    Map<String, Instant> latest = new TreeMap<>();
    for (Written<Fact> fact : bench.facts()) {
      if (fact.data() instanceof Fact.Watermark(String task, Instant time)) {
        latest.put(task, time);
      }
    }
    return new ArrayList<>(latest.entrySet());
  }

  private void advanceUntilThereIsAWatermark() {
    long seconds = 2 + LowEventTime.IDLE.toSeconds() + PartitionClock.SETTLING_MS / 1000;
    for (int second = 0; second < seconds; second++) {
      bench.advance(Duration.ofSeconds(1));
    }
  }

  private static EvidenceRef evidence(String id, long offset) {
    return new EvidenceRef("meshward.events.falco", 0, offset, id, null, null);
  }

  private static Envelope<FalcoAlert> shell(String id, Instant time) {
    return Events.alert(
        id,
        time,
        "orders-0",
        Map.of("proc.name", "bash", "proc.cmdline", "bash -i", "k8s.pod.name", "orders-0"));
  }

  private static Envelope<FalcoAlert> alert(String id, Instant time, String pod, String program) {
    return Events.alert(id, time, pod, Map.of("proc.name", program, "k8s.pod.name", pod));
  }

  private static Envelope<?> denied(String id, Instant time) {
    return Events.decision(id, time, "payment", Events.id("orders"), "10.0.0.3", false);
  }
}
