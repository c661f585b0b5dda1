package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.runtime.Wrong.Attack;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import java.util.List;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;

/** A client of ours, and what has to become of each attack on it by the server that it dials. */
final class ClientUnderAttack implements UnderAttack {
  private final MatrixShop shop;
  private final Target target;

  ClientUnderAttack(MatrixShop shop, Target target) {
    this.shop = shop;
    this.target = target;
  }

  private ClientUnderAttack another(UnaryOperator<MeshRuntimeBuilder> built) {
    return new ClientUnderAttack(shop, shop.start(target.role(), target.provider(), built));
  }

  @Override
  public void lets(Shown good) {
    target.events().clear();
    try (AttackingServer peer = AttackingServer.tls(Target.context(good), Speech.USUAL)) {
      end(reaches(peer, Target.idOf(good)));
      target.admitted(peer.port(), Target.idOf(good));
    }
  }

  @Override
  public void refuses(Attack attack, String reason) {
    target.events().clear();
    switch (attack) {
      case Attack.Shows(var shown, var speech) -> {
        SSLContext context = Target.context(shown);
        try (AttackingServer attacker = AttackingServer.tls(context, speech)) {
          refuses(attacker, shop.orders, reason);
        }
      }
      case Attack.Says(var bytes, var closes) -> {
        try (AttackingServer attacker = AttackingServer.saying(bytes.toByteArray(), closes)) {
          refuses(attacker, shop.orders, reason);
        }
      }
      case Attack.Meanwhile(var event, var inner) ->
          Target.during(event, () -> refuses(inner, reason));
      case Attack.Resumes(var given, var event) -> {
        Shown shown = given.get();
        try (AttackingServer attacker = AttackingServer.tls(Target.context(shown), Speech.USUAL)) {
          // The same channel: sessions are kept with it.
          ManagedChannel channel = reaches(attacker, Target.idOf(shown));
          attacker.hangUp();
          Eventually.await("idle", () -> channel.getState(false) == ConnectivityState.IDLE);
          target.awaitNoConnections();
          target.events().clear();
          Target.during(event, () -> refuses(channel, attacker.port(), reason));
        }
      }
      case Attack.ResumesAfterRestart(var given, var event) -> {
        Shown shown = given.get();
        try (AttackingServer attacker = AttackingServer.tls(Target.context(shown), Speech.USUAL)) {
          end(reaches(attacker, Target.idOf(shown)));
          Target.during(
              event,
              () -> {
                try (ClientUnderAttack restarted = another(UnaryOperator.identity())) {
                  restarted.refuses(attacker, Target.idOf(shown), reason);
                }
              });
        }
      }
      case Attack.Against(var built, var inner) -> {
        try (ClientUnderAttack other = another(built)) {
          other.refuses(inner, reason);
        }
      }
      case Attack.Claims(var header) -> refusesClaim(header, reason);
      case Attack.Delegates(var chain, var to) -> sendsNo(chain, to, reason);
    }
  }

  private void refuses(AttackingServer attacker, SpiffeId expected, String reason) {
    refuses(
        target.runtime().channelBuilder("127.0.0.1:" + attacker.port(), expected).build(),
        attacker.port(),
        reason);
  }

  private void refuses(ManagedChannel channel, int port, String reason) {
    try {
      channel.getState(true);
      target.refused(port, reason);
      assertThat(channel.getState(false)).isNotEqualTo(ConnectivityState.READY);
    } finally {
      end(channel);
    }
  }

  /** A channel that has reached its server. */
  private ManagedChannel reaches(AttackingServer peer, SpiffeId expected) {
    ManagedChannel channel =
        target.runtime().channelBuilder("127.0.0.1:" + peer.port(), expected).build();
    Eventually.await("ready", () -> channel.getState(true) == ConnectivityState.READY);
    return channel;
  }

  /** A channel dials again and again until it ends. */
  private void end(ManagedChannel channel) {
    channel.shutdownNow();
    Eventually.await("the channel's end", channel::isTerminated);
    target.awaitNoConnections();
  }

  /** A server that is another workload says by its metadata that it is the one that was dialled. */
  private void refusesClaim(String header, String reason) {
    SpiffeId cashier = shop.own.name().id("/ns/shop/sa/cashier");
    Server attacker = Attacker.serve(shop.own.issue(cashier), claiming(header));
    ManagedChannel channel =
        target.runtime().channelBuilder(Shop.target(attacker), shop.orders).build();
    try {
      StatusRuntimeException refused =
          catchThrowableOfType(
              StatusRuntimeException.class, () -> Echo.call(channel, "are you it?"));
      assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(target.refused(attacker.getPort(), reason))
          .allSatisfy(event -> assertThat(event.peer().claimedId()).isEqualTo(cashier.toString()));
    } finally {
      end(channel);
      attacker.shutdownNow();
    }
  }

  private ServerInterceptor claiming(String header) {
    Metadata.Key<String> key = Metadata.Key.of(header, Metadata.ASCII_STRING_MARSHALLER);
    return new ServerInterceptor() {
      @Override
      public <Q, R> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        Metadata claims = new Metadata();
        claims.put(key, shop.orders.toString());
        call.sendHeaders(claims);
        call.close(Status.OK, claims);
        return new ServerCall.Listener<>() {};
      }
    };
  }

  /** The call fails before anything of it is sent, or any server dialled. */
  private void sendsNo(List<SpiffeId> received, SpiffeId server, String reason) {
    Delegation delegation =
        new Delegation(
            received.subList(0, received.size() - 1),
            shop.delegations.chain(received, target.self()));
    Shown good = Shown.of(shop.own.issue(server));
    try (AttackingServer peer = AttackingServer.tls(Target.context(good), Speech.USUAL)) {
      ManagedChannel channel =
          target.runtime().channelBuilder("127.0.0.1:" + peer.port(), server).delegating().build();
      Context serving = Context.current().withValue(Delegation.KEY, delegation);
      try {
        StatusRuntimeException refused =
            catchThrowableOfType(
                StatusRuntimeException.class,
                () -> serving.call(() -> Echo.call(channel, "onwards")));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(refused.getStatus().getDescription()).contains(reason);
        assertThat(channel.getState(false)).isEqualTo(ConnectivityState.IDLE);
        assertThat(target.events().of(TlsHandshake.class)).isEmpty();
      } finally {
        end(channel);
      }
    }
  }

  @Override
  public void close() {
    target.close();
  }
}
