package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Approval;
import io.meshward.schemas.Approval.Decision;
import io.meshward.schemas.Approval.Statement;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Response;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose word counts, and whose is refused and recorded. */
class ApprovalsTest {
  @TempDir private Path folder;
  private Stand stand;
  private ApprovalSigner alice;
  private ApprovalSigner mallory;
  private Containment waiting;

  @BeforeEach
  void waitForApproval() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    alice = ApprovalSigner.of(key.privateJwk());
    mallory = ApprovalSigner.of(ApprovalSigner.generate("mallory").privateJwk());
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    stand = new Stand(folder);
    stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
    stand.shop.deploy("frontend", 2);
    stand.peer("payment");
    stand.start(stand.config("mode: approve\napprovers: {alice: '" + approver + "'}"));
    stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));
    waiting = stand.awaitState(ContainmentState.AWAITING_APPROVAL);
  }

  @AfterEach
  void stop() {
    stand.close();
  }

  @Test
  void refusesAWordWithoutASignature() throws Exception {
    assertRefused(new Approval(approve("alice"), null), "alice", "it is not signed");
  }

  @Test
  void refusesTheWordOfAKeyThatIsNotListed() throws Exception {
    assertRefused(
        mallory.sign(approve("mallory")), "mallory", "key 'mallory' is not listed under approvers");
  }

  @Test
  void refusesASignatureOfAnotherKeyUnderAListedName() throws Exception {
    ApprovalSigner impostor = ApprovalSigner.of(ApprovalSigner.generate("alice").privateJwk());

    assertRefused(impostor.sign(approve("alice")), "alice", "its signature is not that of 'alice'");
  }

  @Test
  void refusesAWordThatIsNotWhatWasSigned() throws Exception {
    Statement veto =
        statement("alice", id(), Decision.VETO, null, Instant.now(), Duration.ofMinutes(5));

    assertRefused(
        new Approval(approve("alice"), alice.sign(veto).jws()),
        "alice",
        "what is signed is not what is said");
  }

  @Test
  void refusesAWordAboutAnotherContainmentUnderThisOnesName() throws Exception {
    Statement other =
        statement(
            "alice",
            "0123456789abcdef-0123456789abcdef",
            Decision.APPROVE,
            digest(),
            Instant.now(),
            Duration.ofMinutes(5));

    assertRefused(
        new Approval(approve("alice"), alice.sign(other).jws()),
        "alice",
        "what is signed is not what is said");
  }

  @Test
  void refusesAnApprovalOfAnotherPlan() throws Exception {
    Statement other =
        statement(
            "alice", id(), Decision.APPROVE, "0".repeat(64), Instant.now(), Duration.ofMinutes(5));

    assertRefused(alice.sign(other), "alice", "it is about another plan: " + "0".repeat(64));
  }

  @Test
  void refusesAWordThatExpired() throws Exception {
    Instant at = Instant.now().truncatedTo(ChronoUnit.MILLIS).minus(Duration.ofMinutes(10));
    Statement old = statement("alice", id(), Decision.APPROVE, digest(), at, Duration.ofMinutes(5));

    assertRefused(alice.sign(old), "alice", "it expired at " + at.plus(Duration.ofMinutes(5)));
  }

  @Test
  void refusesAWordFromTheFuture() throws Exception {
    Instant at = Instant.now().truncatedTo(ChronoUnit.MILLIS).plus(Duration.ofMinutes(10));
    Statement early =
        statement("alice", id(), Decision.APPROVE, digest(), at, Duration.ofMinutes(5));

    assertRefused(alice.sign(early), "alice", "it is from the future: " + at);
  }

  @Test
  void refusesAWordThatWouldCountForTooLong() throws Exception {
    Statement eternal =
        statement("alice", id(), Decision.APPROVE, digest(), Instant.now(), Duration.ofHours(2));

    assertRefused(alice.sign(eternal), "alice", "it would count for longer than 60 minutes");
  }

  @Test
  void refusesAReleaseOfWhatIsNotDone() throws Exception {
    Statement release =
        statement("alice", id(), Decision.RELEASE, null, Instant.now(), Duration.ofMinutes(5));

    assertRefused(alice.sign(release), "alice", "nothing is done yet that could be released");
  }

  @Test
  void countsAWordOnce() throws Exception {
    Approval approval = alice.sign(approve("alice"));
    stand.client.send(approval);
    stand.awaitState(ContainmentState.CONTAINED);
    Statement release =
        statement("alice", id(), Decision.RELEASE, null, Instant.now(), Duration.ofMinutes(5));

    stand.client.send(approval);

    Response refusal = refusal(approval);
    assertThat(refusal.response().reason()).contains("it was counted already");
    stand.client.send(alice.sign(release));
    stand.awaitState(ContainmentState.RECOVERED);
    Histories.assertWhole(stand.client.history(id()));
    assertThat(stand.shop.replicas("frontend")).isEqualTo(2);
  }

  @Test
  void anUnsignedReleaseIsRefusedAndTheContainmentStands() throws Exception {
    stand.client.send(alice.sign(approve("alice")));
    stand.awaitState(ContainmentState.CONTAINED);

    String statement = stand.client.releaseUnsigned(id(), "please", "alice");

    assertThat(stand.client.answer(id(), statement, Stand.PATIENCE))
        .isInstanceOfSatisfying(
            ContainmentClient.Answer.Refused.class,
            refused -> assertThat(refused.reason()).contains("it is not signed"));
    assertThat(stand.awaitState(ContainmentState.CONTAINED).approvals()).hasSize(1);
    assertThat(stand.shop.replicas("frontend")).isZero();
  }

  private String id() {
    return waiting.containment().id();
  }

  private String digest() {
    return waiting.containment().planDigest();
  }

  private Statement approve(String actor) {
    return statement(actor, id(), Decision.APPROVE, digest(), Instant.now(), Duration.ofMinutes(5));
  }

  private static Statement statement(
      String actor,
      String containment,
      Decision decision,
      @Nullable String digest,
      Instant at,
      Duration counts) {
    return new Statement(
        UUID.randomUUID().toString(),
        containment,
        decision,
        "a test",
        actor,
        digest,
        at,
        at.plus(counts));
  }

  /** It is refused, recorded with who said it and why, and changes nothing; a good one counts. */
  private void assertRefused(Approval approval, String actor, String why) {
    stand.client.send(approval);

    Response refusal = refusal(approval);
    assertThat(refusal.response().actor()).isEqualTo(actor);
    assertThat(refusal.response().reason())
        .isEqualTo(
            approval.approval().decision()
                + " refused: "
                + why
                + " (statement "
                + approval.approval().id()
                + ")");
    assertThat(refusal.response().from()).isEqualTo(ContainmentState.AWAITING_APPROVAL);
    assertThat(refusal.response().to()).isEqualTo(ContainmentState.AWAITING_APPROVAL);
    Containment still = stand.awaitState(ContainmentState.AWAITING_APPROVAL);
    assertThat(still.approvals()).isEmpty();
    assertThat(Writes.actions(stand.kubernetes)).isEmpty();
    assertThat(stand.records(TopicCatalogue.QUARANTINE)).isEmpty();

    stand.client.send(alice.sign(approve("alice")));

    stand.awaitState(ContainmentState.CONTAINED);
    Histories.assertWhole(stand.client.history(id()));
  }

  private Response refusal(Approval approval) {
    List<Response> found = new ArrayList<>();
    Stand.eventually(
        "the refusal is recorded",
        () -> {
          found.clear();
          stand.client.history(id()).stream()
              .filter(
                  response ->
                      response.response().reason() != null
                          && response.response().reason().contains(approval.approval().id()))
              .forEach(found::add);
          return !found.isEmpty();
        });
    assertThat(found).hasSize(1);
    return found.getFirst();
  }
}
