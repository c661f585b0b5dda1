package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;

/** What progress depends on, from the cluster and from Kafka. */
record LiveSurroundings(ClusterSide cluster, Tables tables)
    implements ProgressContext.Surroundings {
  @Override
  public ClusterAction action(String name) {
    return cluster.action(name);
  }

  @Override
  public Peers.Report peers(String containment) {
    return tables.peers(containment, cluster::gone);
  }

  @Override
  public boolean onTopic(QuarantineKey key) {
    return tables.onTopic(key);
  }

  @Override
  public FanOut fanOut(Subject subject) {
    return cluster.fanOut(subject);
  }

  @Override
  public boolean replaced(Containment containment) {
    return cluster.replaced(containment);
  }
}
