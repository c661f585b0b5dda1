package io.meshward.cli;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.detect.Detect;
import io.meshward.detect.DetectConfig;
import io.meshward.ingest.Ingest;
import io.meshward.ingest.IngestConfig;
import io.meshward.responder.Responder;
import io.meshward.responder.ResponderConfig;
import io.meshward.runtime.KafkaSettings;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;

/** Ingest, detection and response in this process, each with the configuration it has alone. */
record Pipeline(Ingest ingest, Detect detect, Responder responder) {
  /** What the cluster is called where nobody named it. */
  static final String CLUSTER = "local";

  /**
   * What they need to know.
   *
   * @param workloadApi where detection gets its SVID, and so whom to believe
   * @param namespace where the responder may act
   * @param folder for state
   * @param approver the public key of who may approve, under its name
   */
  record Settings(
      KafkaConfig kafka,
      Path kubeconfig,
      String trustDomain,
      String workloadApi,
      String namespace,
      Path rules,
      Path playbooks,
      Path folder,
      String approverName,
      Path approver,
      int ingestPort) {}

  /** Where they answer HTTP. */
  List<URI> addresses() {
    return List.of(ingest.httpUri(), detect.httpUri(), responder.httpUri());
  }

  /** Starts them in the order in which an event passes them, from its end. */
  static Pipeline start(Settings settings, Starter starter) throws InterruptedException {
    String kafka =
        """
        cluster: %s
        kafka:
          bootstrap-servers: '%s'
          prefix: '%s'
        """
            .formatted(CLUSTER, settings.kafka.bootstrapServers(), settings.kafka.prefix());
    Responder responder =
        starter.start(
            "respond",
            () ->
                Responder.start(
                    ConfigFile.parse(
                        kafka
                            + """
                            http: {address: '127.0.0.1:0'}
                            trust-domain: %s
                            kubernetes: {kubeconfig: '%s'}
                            playbooks: '%s'
                            mode: enforce
                            enforce: {namespaces: ['%s']}
                            inventory: {prefer-address-annotation: true}
                            approvers: {%s: '%s'}
                            """
                                .formatted(
                                    settings.trustDomain,
                                    settings.kubeconfig,
                                    settings.playbooks,
                                    settings.namespace,
                                    settings.approverName,
                                    settings.approver),
                        "the responder's configuration",
                        ResponderConfig.class)));
    Detect detect =
        starter.start(
            "detect",
            () ->
                Detect.start(
                    ConfigFile.parse(
                        kafka
                            + """
                              properties: {%s: '%s'}
                            http: {address: '127.0.0.1:0'}
                            rules: ['%s']
                            state-directory: '%s'
                            """
                                .formatted(
                                    KafkaSettings.WORKLOAD_API,
                                    settings.workloadApi,
                                    settings.rules,
                                    settings.folder.resolve("detect")),
                        "the detector's configuration",
                        DetectConfig.class)));
    Ingest ingest =
        starter.start(
            "ingest",
            () ->
                Ingest.start(
                    ConfigFile.parse(
                        kafka + "http: {address: '127.0.0.1:%d'}\n".formatted(settings.ingestPort),
                        "ingest's configuration",
                        IngestConfig.class)));
    return new Pipeline(ingest, detect, responder);
  }
}
