package io.meshward.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a sensor has to tell all day long, and what nothing must come of. */
final class HarmlessAlerts implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HarmlessAlerts.class);
  private static final Duration PERIOD = Duration.ofMillis(500);

  private final FalcoSensor sensor;
  private final Map<String, String> fields;
  private final CountDownLatch stop = new CountDownLatch(1);

  /**
   * Begins.
   *
   * @param namespace of the pod that the alerts are about
   */
  HarmlessAlerts(FalcoSensor sensor, String namespace) {
    this.sensor = sensor;
    this.fields =
        Map.of(
            "k8s.ns.name",
            namespace,
            "k8s.pod.name",
            "backup-0",
            "proc.name",
            "curl",
            "proc.cmdline",
            "curl https://kubernetes.default");
    Thread.ofVirtual().name("harmless-alerts").start(this::post);
  }

  private void post() {
    try {
      while (!stop.await(PERIOD.toMillis(), TimeUnit.MILLISECONDS)) {
        sensor.alert(
            "Contact K8S API Server From Container",
            "Notice",
            List.of("network", "k8s"),
            "Unexpected connection to the API server (pod=backup-0)",
            fields);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | ScenarioFailedException e) {
      log.atWarn().setCause(e).log("the sensor is silent from now on");
    }
  }

  @Override
  public void close() {
    stop.countDown();
  }
}
