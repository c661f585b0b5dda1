package io.meshward.embedded;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The syntax of names, label keys and label values; each check answers the real server's complaint,
 * or nothing.
 */
final class Names {

  private static final String LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
  private static final String SUBDOMAIN = LABEL + "(\\." + LABEL + ")*";
  private static final String QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
  private static final String VALUE = "(" + QUALIFIED + ")?";

  private static final Pattern DNS_LABEL = Pattern.compile(LABEL);
  private static final Pattern DNS_SUBDOMAIN = Pattern.compile(SUBDOMAIN);
  private static final Pattern QUALIFIED_NAME = Pattern.compile(QUALIFIED);
  private static final Pattern LABEL_VALUE = Pattern.compile(VALUE);

  private Names() {}

  /** RFC 1123 label: namespaces, services, containers. */
  static Optional<String> labelFault(String name) {
    if (name.length() > 63) {
      return Optional.of("must be no more than 63 characters");
    }
    return DNS_LABEL.matcher(name).matches()
        ? Optional.empty()
        : Optional.of(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
                + " and must start and end with an alphanumeric character (e.g. 'my-name',  or"
                + " '123-abc', regex used for validation is '"
                + LABEL
                + "')");
  }

  /** RFC 1123 subdomain: every other object. */
  static Optional<String> subdomainFault(String name) {
    if (name.length() > 253) {
      return Optional.of("must be no more than 253 characters");
    }
    return DNS_SUBDOMAIN.matcher(name).matches()
        ? Optional.empty()
        : Optional.of(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-'"
                + " or '.', and must start and end with an alphanumeric character (e.g."
                + " 'example.com', regex used for validation is '"
                + SUBDOMAIN
                + "')");
  }

  /** Keys of labels, annotations and finalizers: an optional DNS prefix, a slash, a name. */
  static Optional<String> labelKeyFault(String key) {
    String[] parts = key.split("/", -1);
    if (parts.length > 2) {
      return Optional.of(
          "a valid label key "
              + nameForm()
              + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    }
    if (parts.length == 2) {
      if (parts[0].isEmpty()) {
        return Optional.of("prefix part must be non-empty");
      }
      Optional<String> prefix = subdomainFault(parts[0]);
      if (prefix.isPresent()) {
        return Optional.of("prefix part " + prefix.get());
      }
    }
    String name = parts[parts.length - 1];
    if (name.isEmpty()) {
      return Optional.of("name part must be non-empty");
    }
    if (name.length() > 63) {
      return Optional.of("name part must be no more than 63 bytes");
    }
    return QUALIFIED_NAME.matcher(name).matches()
        ? Optional.empty()
        : Optional.of("name part " + nameForm());
  }

  static Optional<String> labelValueFault(String value) {
    if (value.length() > 63) {
      return Optional.of("must be no more than 63 bytes");
    }
    return LABEL_VALUE.matcher(value).matches()
        ? Optional.empty()
        : Optional.of(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_'"
                + " or '.', and must start and end with an alphanumeric character (e.g. 'MyValue', "
                + " or 'my_value',  or '12345', regex used for validation is '"
                + VALUE
                + "')");
  }

  private static String nameForm() {
    return "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with"
        + " an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex"
        + " used for validation is '"
        + QUALIFIED
        + "')";
  }
}
