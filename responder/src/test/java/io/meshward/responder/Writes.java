package io.meshward.responder;

import io.meshward.embedded.EmbeddedKubernetes;
import io.meshward.embedded.WriteLog.Write;
import java.util.List;

/** The writes of responders that a cluster double carried out. */
final class Writes {
  private Writes() {}

  /** Those whose path ends so. */
  static List<Write> to(EmbeddedKubernetes kubernetes, String suffix) {
    return kubernetes
        .writes()
        .matching(
            write ->
                write.persisted()
                    && write.fieldManager().equals(KubernetesApi.FIELD_MANAGER)
                    && write.call().path().endsWith(suffix));
  }

  /** Method and path of all but Events. */
  static List<String> actions(EmbeddedKubernetes kubernetes) {
    return kubernetes
        .writes()
        .matching(
            write ->
                write.persisted()
                    && (write.fieldManager().equals(KubernetesApi.FIELD_MANAGER)
                        || write.call().method().equals("DELETE"))
                    && !write.call().path().endsWith("/events"))
        .stream()
        .map(write -> write.call().method() + " " + write.call().path())
        .toList();
  }
}
