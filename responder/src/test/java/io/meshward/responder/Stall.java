package io.meshward.responder;

import io.meshward.responder.KillSwitch.Passed;
import io.meshward.responder.KillSwitch.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Stalls one thread of a responder at a place, as a long pause of its process does: it goes on, as
 * if nothing had been, when others have long taken over.
 */
final class Stall implements Checkpoint {
  private final Place place;
  private final CountDownLatch resumed = new CountDownLatch(1);
  private final List<Passed> later = new ArrayList<>();
  private boolean reached;

  Stall(Place place) {
    this.place = place;
  }

  synchronized boolean reached() {
    return reached;
  }

  /** The places that were passed since the thread stalled. */
  synchronized List<Passed> later() {
    return List.copyOf(later);
  }

  void resume() {
    resumed.countDown();
  }

  @Override
  public void pass(String name) {
    come(new Passed(name, List.of()));
  }

  @Override
  public void pass(String name, Batch batch) {
    come(new Passed(name, batch.responses().stream().map(KillSwitch::name).toList()));
  }

  private void come(Passed here) {
    synchronized (this) {
      if (reached || !here.is(place)) {
        if (reached) {
          later.add(here);
        }
        return;
      }
      reached = true;
    }
    boolean waiting = true;
    while (waiting) {
      try {
        resumed.await();
        waiting = false;
      } catch (InterruptedException e) {
        // A process that does not run hears nothing.
      }
    }
  }
}
