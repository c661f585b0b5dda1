package io.meshward.schemas;

/**
 * What a record on one of Meshward's topics says.
 *
 * <p>Every kind is an immutable record whose constructor refuses a value that breaks its invariants
 * with an {@link IllegalArgumentException} naming the field. As JSON each is an object of objects,
 * so that a field of the rule language is its path: {@code tls.result}, {@code authz.decision}.
 * Absent values are absent in JSON and {@code null} in Java.
 */
public sealed interface Event
    permits TlsHandshake,
        AuthzDecision,
        SvidLifecycle,
        FalcoAlert,
        Detection,
        Work,
        Response,
        Containment,
        Quarantine,
        Enforcement,
        Inventory,
        Fact,
        Approval,
        Control,
        Risk,
        PolicyBundle,
        DeadLetter {}
