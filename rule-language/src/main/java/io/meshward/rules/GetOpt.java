package io.meshward.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * POSIX short options among a list of arguments: {@code getopt(proc.args, "nt:")} gives option,
 * value, option, value…; with a selector it gives the last value of that option (empty for one
 * without), or nothing.
 *
 * @param options the option letters, those with a value followed by a colon
 */
record GetOpt(String options) {

  static Extraction compile(List<Extraction> arguments, Expression.Transformation call) {
    if (arguments.size() != 2
        || !arguments.getFirst().list()
        || !(call.arguments().getLast() instanceof TransformerArgument.Constant options)) {
      throw new IllegalArgumentException(
          "'getopt' transformer expects a list and a quoted string of options");
    }
    Extraction list = arguments.getFirst();
    Optional<String> selector = call.selector();
    if (selector.isPresent()
        && (selector.get().length() != 1 || options.text().indexOf(selector.get()) < 0)) {
      throw new IllegalArgumentException(
          "'" + selector.get() + "' is none of the options '" + options.text() + "' of 'getopt'");
    }
    GetOpt getOpt = new GetOpt(options.text());
    return new Extraction(
        FieldType.STRING,
        selector.isEmpty(),
        event -> {
          List<?> values = (List<?>) list.extract(event);
          List<String> words = values == null ? null : Transformers.texts(values);
          if (words == null) {
            return null;
          }
          List<String> found = getOpt.parse(words);
          return selector.isEmpty() ? found : lastValue(found, selector.get());
        });
  }

  private static @Nullable String lastValue(List<String> found, String option) {
    for (int i = found.size() - 2; i >= 0; i -= 2) {
      if (found.get(i).equals(option)) {
        return found.get(i + 1);
      }
    }
    return null;
  }

  /** Stops at {@code --} and at the first word that is no option; skips unknown options. */
  private List<String> parse(List<String> words) {
    List<String> found = new ArrayList<>();
    for (int word = 0; word < words.size(); word++) {
      String text = words.get(word);
      if (text.length() < 2 || text.charAt(0) != '-' || text.equals("--")) {
        break;
      }
      for (int i = 1; i < text.length(); i++) {
        int known = text.charAt(i) == ':' ? -1 : options.indexOf(text.charAt(i));
        if (known < 0) {
          continue;
        }
        found.add(text.substring(i, i + 1));
        boolean takesValue = known + 1 < options.length() && options.charAt(known + 1) == ':';
        if (!takesValue) {
          found.add("");
          continue;
        }
        if (i + 1 < text.length()) {
          found.add(text.substring(i + 1));
        } else if (word + 1 < words.size()) {
          found.add(words.get(++word));
        } else {
          found.removeLast();
        }
        break;
      }
    }
    return found;
  }
}
