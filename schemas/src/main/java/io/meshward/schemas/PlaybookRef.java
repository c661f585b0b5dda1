package io.meshward.schemas;

/** A playbook and the content hash of the version that was used. */
public record PlaybookRef(String name, String version) {
  public PlaybookRef {
    Require.text(name, "playbook.name");
    Require.text(version, "playbook.version");
  }
}
