package io.meshward.runtime;

import io.meshward.runtime.Condition.Answer;
import io.meshward.runtime.Condition.NumberFact;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An authorization policy: gRFC A43's, with more that a rule can ask. A call is refused if any deny
 * rule matches or cannot be decided, served if any allow rule matches, else refused. Immutable;
 * deciding allocates nothing unless a rule looks at headers or claims.
 */
final class AuthorizationPolicy {

  private static final String NOTHING = "0".repeat(64);
  private static final Decision NO_RULE = new Decision(false, null, "no_rule");
  private static final Decision NO_POLICY = new Decision(false, null, "no_policy");

  /** What holds without any policy: everything is refused. */
  static final AuthorizationPolicy REFUSE_ALL =
      new AuthorizationPolicy("none", NOTHING, List.of(), List.of());

  /** What holds where an external decision point decides alone. */
  static final AuthorizationPolicy LEAVE_ALL =
      new AuthorizationPolicy(
          "external", "f".repeat(64), List.of(), List.of(new Rule("external", List.of())));

  private final String name;
  private final String revision;
  private final String id;
  private final List<Rule> denyRules;
  private final List<Rule> allowRules;
  private final boolean asksForRisk;

  /**
   * @param name the policy's own name
   * @param revision SHA-256 of its content, in hexadecimal
   */
  AuthorizationPolicy(String name, String revision, List<Rule> denyRules, List<Rule> allowRules) {
    this.name = name;
    this.revision = revision;
    this.id = name + "@" + revision.substring(0, 12);
    this.denyRules = List.copyOf(denyRules);
    this.allowRules = List.copyOf(allowRules);
    this.asksForRisk =
        Stream.concat(denyRules.stream(), allowRules.stream())
            .anyMatch(rule -> Rule.asksForRisk(rule.conditions));
  }

  /**
   * What the policy says of a call.
   *
   * @param ruleId the rule that decided, if one did
   * @param reason why it is refused, if it is: {@code denied_by_rule}, {@code no_rule}, {@code
   *     no_policy}, or what a rule could not be decided for: {@code risk_unknown}, {@code
   *     fact_absent}
   */
  record Decision(boolean allowed, @Nullable String ruleId, @Nullable String reason) {}

  /** One rule: all of its conditions have to hold. */
  static final class Rule {
    private final String id;
    private final List<Condition> conditions;
    private final Decision allowed;
    private final Decision denied;
    private final Decision undecided;

    /**
     * @param id unique in the policy, as {@code deny_rules.name}
     */
    Rule(String id, List<Condition> conditions) {
      this.id = id;
      this.conditions = List.copyOf(conditions);
      this.allowed = new Decision(true, id, null);
      this.denied = new Decision(false, id, "denied_by_rule");
      this.undecided =
          new Decision(false, id, asksForRisk(conditions) ? "risk_unknown" : "fact_absent");
    }

    String id() {
      return id;
    }

    List<Condition> conditions() {
      return conditions;
    }

    private static boolean asksForRisk(List<Condition> conditions) {
      return conditions.stream()
          .anyMatch(
              condition ->
                  condition instanceof Condition.Quantity quantity
                      && quantity.fact() == NumberFact.RISK_SCORE);
    }

    private Answer test(CallFacts call) {
      Answer all = Answer.YES;
      for (int i = 0; i < conditions.size(); i++) {
        Answer one = conditions.get(i).test(call);
        if (one == Answer.NO) {
          return Answer.NO;
        }
        if (one == Answer.UNKNOWN) {
          all = Answer.UNKNOWN;
        }
      }
      return all;
    }
  }

  Decision decide(CallFacts call) {
    for (int i = 0; i < denyRules.size(); i++) {
      Rule rule = denyRules.get(i);
      Answer answer = rule.test(call);
      if (answer != Answer.NO) {
        return answer == Answer.YES ? rule.denied : rule.undecided;
      }
    }
    Decision refusal = revision.equals(NOTHING) ? NO_POLICY : NO_RULE;
    for (int i = 0; i < allowRules.size(); i++) {
      Rule rule = allowRules.get(i);
      Answer answer = rule.test(call);
      if (answer == Answer.YES) {
        return rule.allowed;
      }
      if (answer == Answer.UNKNOWN) {
        refusal = rule.undecided;
      }
    }
    return refusal;
  }

  /** Whether any rule looks at {@code risk.score}. */
  boolean asksForRisk() {
    return asksForRisk;
  }

  /** Name and content hash, for events. */
  String id() {
    return id;
  }

  String name() {
    return name;
  }

  String revision() {
    return revision;
  }

  List<Rule> denyRules() {
    return denyRules;
  }

  List<Rule> allowRules() {
    return allowRules;
  }
}
