package io.meshward.responder;

/** One step of one containment. */
record StepRef(String containment, int index) {
  @Override
  public String toString() {
    return containment + "/" + index;
  }
}
