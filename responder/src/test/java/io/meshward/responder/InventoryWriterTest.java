package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The inventory while Kafka does not take it. */
class InventoryWriterTest {
  @TempDir Path folder;

  @Test
  void whatKafkaDidNotTakeIsWrittenOnceItDoes() throws Exception {
    CountDownLatch refused = new CountDownLatch(1);
    try (Stand stand = new Stand(folder);
        Warnings _ = new Warnings(refused::countDown)) {
      stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
      limit(stand, "1");
      stand.shop.deploy("frontend", 1);
      stand.start(stand.enforcing(""));
      Target target = stand.shop.target("frontend");
      assertThat(refused.await(Stand.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

      limit(stand, "1048576");

      Stand.eventually(
          "the pod is in the inventory",
          () ->
              stand.keys(TopicCatalogue.INVENTORY).contains(Stand.CLUSTER + "/" + target.podUid()));
    }
  }

  /** Hears of each warning of the writer. */
  private static final class Warnings extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private final Logger logger = (Logger) LoggerFactory.getLogger(InventoryWriter.class);
    private final Runnable heard;

    Warnings(Runnable heard) {
      this.heard = heard;
      logger.addAppender(this);
      start();
    }

    @Override
    protected void append(ILoggingEvent event) {
      heard.run();
    }

    @Override
    public void close() {
      logger.detachAppender(this);
    }
  }

  private static void limit(Stand stand, String bytes) throws Exception {
    ConfigResource topic =
        new ConfigResource(ConfigResource.Type.TOPIC, stand.kafka.topic(TopicCatalogue.INVENTORY));
    ConfigEntry entry = new ConfigEntry(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, bytes);
    try (Admin admin = Admin.create(stand.kafka.admin("test"))) {
      admin
          .incrementalAlterConfigs(
              Map.of(topic, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET))))
          .all()
          .get();
    }
  }
}
