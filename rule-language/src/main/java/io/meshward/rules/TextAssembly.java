package io.meshward.rules;

import java.util.List;
import java.util.Set;

/** Falco's way: parts and lists become one text, which is then parsed. */
final class TextAssembly implements ConditionAssembly {

  private final TextualLists lists;

  TextAssembly(RuleCollection collection) {
    this.lists = new TextualLists(collection);
  }

  @Override
  public Condition assemble(List<SourceText> parts, List<SourceText> exceptions) {
    SplicedText text = new SplicedText();
    SourceText first = parts.getFirst();
    text.append(exceptions.isEmpty() ? "" : "(", first, 0).append(first);
    for (SourceText part : parts.subList(1, parts.size())) {
      text.append(" ", part, 0).append(part);
    }
    text.append(exceptions.isEmpty() ? "" : ")", first, first.text().length());
    for (SourceText exception : exceptions) {
      text.append(" and ", exception, 0).append(exception);
    }
    return ConditionParser.parse(lists.substitute(text.build()), TextualLists.MAX_LENGTH);
  }

  /** Only macros that were defined before its own last change. */
  @Override
  public boolean sees(RuleCollection.MacroEntry user, RuleCollection.MacroEntry used) {
    return used.index() < user.lastChange();
  }

  @Override
  public Set<String> usedLists() {
    return lists.used();
  }
}
