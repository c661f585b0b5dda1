package io.meshward.responder;

import io.meshward.rules.FieldArgument;
import io.meshward.rules.FieldCatalogue;
import io.meshward.rules.FieldDefinition;
import io.meshward.rules.FieldReference;
import io.meshward.rules.FieldSource;
import io.meshward.rules.FieldType;
import io.meshward.schemas.Detection;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the conditions of playbooks can ask for: the detection, its target as it was resolved, and
 * the SVID and peer of its last event.
 *
 * @param labels the labels of the target's owner, else of its pod
 */
record PlaybookFields(Detection detection, Target target, Map<String, String> labels)
    implements FieldSource {

  static final FieldCatalogue CATALOGUE =
      FieldCatalogue.builder()
          .field("detection.id", FieldType.STRING)
          .field("detection.rule", FieldType.STRING)
          .field("detection.priority", FieldType.STRING)
          .field("detection.source", FieldType.STRING)
          .field(new FieldDefinition("detection.tags", FieldType.STRING, true, FieldArgument.NONE))
          .field("detection.output", FieldType.STRING)
          .field("detection.late", FieldType.BOOLEAN)
          .field("detection.reporter", FieldType.STRING)
          .field("detection.signature", FieldType.STRING)
          .field("detection.signature_reason", FieldType.STRING)
          .field("detection.count", FieldType.INT64)
          .field(
              new FieldDefinition(
                  "detection.group", FieldType.STRING, false, FieldArgument.KEY_REQUIRED))
          .field("target.cluster", FieldType.STRING)
          .field("target.namespace", FieldType.STRING)
          .field("target.pod", FieldType.STRING)
          .field("target.node", FieldType.STRING)
          .field("target.service_account", FieldType.STRING)
          .field("target.owner.kind", FieldType.STRING)
          .field("target.owner.name", FieldType.STRING)
          .field("target.owner.uid", FieldType.STRING)
          .field("target.spiffe_id", FieldType.STRING)
          .field(
              new FieldDefinition(
                  "target.labels", FieldType.STRING, false, FieldArgument.KEY_REQUIRED))
          .field("svid.serial", FieldType.STRING)
          .field("svid.issuer", FieldType.STRING)
          .field("peer.ip", FieldType.IP)
          .field("peer.id", FieldType.STRING)
          .field("peer.node", FieldType.STRING)
          .build();

  @Override
  public @Nullable Object value(FieldReference field) {
    Detection.Finding finding = detection.detection();
    OwnerRef owner = target.owner();
    return switch (field.name()) {
      case "detection.id" -> finding.id();
      case "detection.rule" -> finding.rule();
      case "detection.priority" -> finding.priority();
      case "detection.source" -> finding.source();
      case "detection.tags" -> finding.tags();
      case "detection.output" -> finding.output();
      case "detection.late" -> finding.late();
      case "detection.reporter" -> finding.reporter();
      case "detection.signature" -> signature(finding);
      case "detection.signature_reason" -> finding.signatureReason();
      case "detection.count" -> detection.window() == null ? null : detection.window().count();
      case "detection.group" -> field.argument().map(detection.group()::get).orElse(null);
      case "target.cluster" -> target.cluster();
      case "target.namespace" -> target.namespace();
      case "target.pod" -> target.pod();
      case "target.node" -> target.node();
      case "target.service_account" -> target.serviceAccount();
      case "target.owner.kind" -> owner == null ? null : owner.kind();
      case "target.owner.name" -> owner == null ? null : owner.name();
      case "target.owner.uid" -> owner == null ? null : owner.uid();
      case "target.spiffe_id" -> text(target.spiffeId());
      case "target.labels" -> field.argument().map(labels::get).orElse(null);
      case "svid.serial" -> detection.svid() == null ? null : detection.svid().serial();
      case "svid.issuer" -> detection.svid() == null ? null : detection.svid().issuer();
      case "peer.ip" -> detection.peer() == null ? null : detection.peer().ip();
      case "peer.id" -> detection.peer() == null ? null : text(detection.peer().id());
      case "peer.node" -> detection.peer() == null ? null : detection.peer().node();
      default -> null;
    };
  }

  private static @Nullable String signature(Detection.Finding finding) {
    return finding.signature() == null ? null : finding.signature().name().toLowerCase(Locale.ROOT);
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }
}
