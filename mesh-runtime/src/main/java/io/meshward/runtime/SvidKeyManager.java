package io.meshward.runtime;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Gives each handshake the SVID that is current when it begins. The alias names a snapshot's
 * generation, so that chain and key come from the same one even if a rotation happens in between.
 * Without a usable SVID there is no alias, and the handshake fails.
 */
final class SvidKeyManager extends X509ExtendedKeyManager {
  private static final String ALIAS = "svid-";

  private final OwnIdentity own;

  SvidKeyManager(OwnIdentity own) {
    this.own = own;
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return alias(keyType);
  }

  @Override
  public @Nullable String chooseEngineClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    for (String keyType : keyTypes) {
      String alias = alias(keyType);
      if (alias != null) {
        return alias;
      }
    }
    return null;
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    WorkloadIdentity identity = snapshot(alias);
    return identity == null ? null : identity.svid().chain().toArray(X509Certificate[]::new);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    WorkloadIdentity identity = snapshot(alias);
    return identity == null ? null : identity.svid().privateKey();
  }

  private @Nullable String alias(String keyType) {
    return own.usable()
        .filter(identity -> keyType.startsWith(identity.svid().privateKey().getAlgorithm()))
        .map(identity -> ALIAS + identity.generation())
        .orElse(null);
  }

  private @Nullable WorkloadIdentity snapshot(String alias) {
    return alias.startsWith(ALIAS)
        ? own.ofGeneration(Long.parseLong(alias.substring(ALIAS.length())))
        : null;
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    String alias = alias(keyType);
    return alias == null ? null : new String[] {alias};
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    return getClientAliases(keyType, issuers);
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return chooseEngineClientAlias(keyTypes, issuers, null);
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return alias(keyType);
  }
}
