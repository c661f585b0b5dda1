package io.meshward.responder;

import io.meshward.schemas.Response;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Kills a responder at a place: from then on none of its threads does anything more, as far as that
 * can be had inside of one process. Notes the places it came by until then.
 */
final class KillSwitch implements Checkpoint {
  private final List<Passed> passed = new ArrayList<>();
  private @Nullable Place armed;
  private boolean killed;

  /**
   * Where a responder can be killed.
   *
   * @param transition a transition that is being committed there, named as by {@link #name}
   */
  record Place(String name, @Nullable String transition) {
    @Override
    public String toString() {
      return transition == null ? name : name + " (" + transition + ")";
    }
  }

  /** A place that was passed, with all the transitions that were committed there. */
  record Passed(String name, List<String> transitions) {
    Passed {
      transitions = List.copyOf(transitions);
    }

    boolean is(Place place) {
      return name.equals(place.name())
          && (place.transition() == null || transitions.contains(place.transition()));
    }
  }

  /** Kills at the next pass of a place. */
  synchronized void arm(Place place) {
    passed.clear();
    armed = place;
  }

  /** Kills nowhere, and forgets the places passed so far. */
  synchronized void watch() {
    passed.clear();
    armed = null;
  }

  synchronized boolean killed() {
    return killed;
  }

  /** The places passed since; the last one is where it was killed. */
  synchronized List<Passed> passed() {
    return List.copyOf(passed);
  }

  @Override
  public void pass(String place) {
    come(new Passed(place, List.of()));
  }

  @Override
  public void pass(String place, Batch batch) {
    come(new Passed(place, batch.responses().stream().map(KillSwitch::name).toList()));
  }

  private synchronized void come(Passed here) {
    if (!killed) {
      passed.add(here);
      killed = armed != null && here.is(armed);
    }
    if (killed) {
      throw new Killed(here.name());
    }
  }

  /** A transition's name: {@code "executing 1 done"}. */
  static String name(Response response) {
    String state = lower(response.response().to());
    Response.StepChange step = response.step();
    return step == null ? state : state + " " + step.index() + " " + lower(step.state());
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
