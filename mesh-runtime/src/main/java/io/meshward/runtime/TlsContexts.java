package io.meshward.runtime;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.DelegatingSslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSslContextOption;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSslServerSessionContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSslSessionContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.SpiffeId;
import java.security.SecureRandom;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/**
 * TLS for servers and clients of one runtime: TLS 1.3 only, HTTP/2 by ALPN, certificates of both
 * sides, no session resumption.
 *
 * <p>A resumed session shows no certificate to a trust manager, with either provider (RFC 8446
 * 2.2). BoringSSL refuses to resume across session id contexts, so each engine gets one of its own
 * by chance. The JDK cannot be told to refuse, only to forget after a second; what it resumes
 * within that is judged after the handshake like any other session.
 */
final class TlsContexts {
  private static final String TLS_1_3 = "TLSv1.3";
  private static final int SESSION_ID_CONTEXT_BYTES = 32;
  private static final int SHORTEST_SESSION_SECONDS = 1;

  private final OwnIdentity own;
  private final Admission admission;
  private final FullHandshakes fullHandshakes;
  private final SslProvider provider;
  private final List<String> groups;
  private final ServerStaples staples;
  private final SecureRandom random = new SecureRandom();

  TlsContexts(
      OwnIdentity own,
      Admission admission,
      FullHandshakes fullHandshakes,
      TlsProvider provider,
      ServerStaples staples) {
    this.own = own;
    this.admission = admission;
    this.fullHandshakes = fullHandshakes;
    this.provider = provider.provider();
    this.groups = provider.groups();
    this.staples = staples;
  }

  SslContext server() {
    SslContextBuilder builder =
        configure(SslContextBuilder.forServer(new SvidKeyManager(own)))
            .trustManager(
                new SvidTrustManager(admission, fullHandshakes, anyone -> true, ServerStaples.OFF))
            .clientAuth(ClientAuth.REQUIRE)
            .enableOcsp(staples.areServed());
    SslContext context = build(builder);
    if (context.sessionContext() instanceof OpenSslServerSessionContext sessions) {
      sessions.setSessionCacheEnabled(false);
      renew(sessions);
      return withEach(
          context,
          engine -> {
            renew(sessions);
            staple(engine);
          });
    }
    context.sessionContext().setSessionTimeout(SHORTEST_SESSION_SECONDS);
    return withEach(context, this::offerGroups);
  }

  SslContext client(SpiffeId expected) {
    SslContextBuilder builder =
        configure(SslContextBuilder.forClient())
            .keyManager(new SvidKeyManager(own))
            .trustManager(
                new SvidTrustManager(admission, fullHandshakes, expected::equals, staples))
            // The JDK asks for staples by itself.
            .enableOcsp(provider == SslProvider.OPENSSL && staples.rule() != StapleRule.OFF);
    SslContext context = build(builder);
    if (context.sessionContext() instanceof OpenSslSessionContext sessions) {
      sessions.setSessionCacheEnabled(false);
      return context;
    }
    context.sessionContext().setSessionTimeout(SHORTEST_SESSION_SECONDS);
    return withEach(context, this::offerGroups);
  }

  private SslContextBuilder configure(SslContextBuilder builder) {
    GrpcSslContexts.configure(builder, provider).protocols(TLS_1_3);
    if (provider == SslProvider.OPENSSL) {
      builder.option(OpenSslContextOption.GROUPS, groups.toArray(String[]::new));
    }
    return builder;
  }

  private static SslContext build(SslContextBuilder builder) {
    try {
      return builder.build();
    } catch (SSLException e) {
      throw new MeshRuntimeException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  /** BoringSSL takes its groups with the context, the JDK with each engine. */
  private void offerGroups(SSLEngine engine) {
    if (!groups.isEmpty()) {
      SSLParameters parameters = engine.getSSLParameters();
      parameters.setNamedGroups(groups.toArray(String[]::new));
      engine.setSSLParameters(parameters);
    }
  }

  private void staple(SSLEngine engine) {
    if (staples.areServed() && engine instanceof ReferenceCountedOpenSslEngine boringSsl) {
      own.usable()
          .flatMap(identity -> staples.stapleFor(identity.svid().leaf(), admission.now()))
          .ifPresent(boringSsl::setOcspResponse);
    }
  }

  private static SslContext withEach(SslContext context, Consumer<SSLEngine> init) {
    return new DelegatingSslContext(context) {
      @Override
      protected void initEngine(SSLEngine engine) {
        init.accept(engine);
      }
    };
  }

  /** No session of before can be resumed by an engine that is made from now on. */
  private void renew(OpenSslServerSessionContext sessions) {
    byte[] fresh = new byte[SESSION_ID_CONTEXT_BYTES];
    random.nextBytes(fresh);
    sessions.setSessionIdContext(fresh);
  }
}
