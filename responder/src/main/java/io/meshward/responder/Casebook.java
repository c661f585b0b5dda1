package io.meshward.responder;

import io.meshward.schemas.ContainmentId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The containments of one partition, by id and by target. Not thread-safe. */
final class Casebook {
  private final Map<String, Stage> byId = new LinkedHashMap<>();
  private final Map<String, Set<String>> byTarget = new LinkedHashMap<>();

  /** Those in motion: few, where those that are held or have ended may be thousands. */
  private final Map<String, Stage> inMotion = new LinkedHashMap<>();

  void put(Stage stage) {
    byId.put(stage.id(), stage);
    if (isInMotion(stage)) {
      inMotion.put(stage.id(), stage);
    } else {
      inMotion.remove(stage.id());
    }
    byTarget.computeIfAbsent(target(stage.id()), key -> new LinkedHashSet<>()).add(stage.id());
  }

  private static boolean isInMotion(Stage stage) {
    return switch (stage) {
      case Planning _, Executing _, Verifying _, Recovering _ -> true;
      case AwaitingApproval _, Held _, Ended _ -> false;
    };
  }

  void remove(String id) {
    byId.remove(id);
    inMotion.remove(id);
    Set<String> siblings = byTarget.get(target(id));
    if (siblings != null && siblings.remove(id) && siblings.isEmpty()) {
      byTarget.remove(target(id));
    }
  }

  @Nullable Stage get(String id) {
    return byId.get(id);
  }

  /** The containments that operations may be due for. */
  Collection<Stage> inMotion() {
    return List.copyOf(inMotion.values());
  }

  Collection<Stage> all() {
    return List.copyOf(byId.values());
  }

  /** Every containment of the target that a containment is about, itself too. */
  List<Stage> sameTarget(String id) {
    List<Stage> stages = new ArrayList<>();
    for (String sibling : byTarget.getOrDefault(target(id), Set.of())) {
      Stage stage = byId.get(sibling);
      if (stage != null) {
        stages.add(stage);
      }
    }
    return stages;
  }

  private static String target(String id) {
    return ContainmentId.parse(id).targetHash();
  }
}
