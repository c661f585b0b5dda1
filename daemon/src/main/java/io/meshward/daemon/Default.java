package io.meshward.daemon;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The value of a configuration record's component where the file says nothing, in the file's own
 * form: {@code @Default("30s") Duration timeout}, {@code @Default("[]") List<Path> files},
 * {@code @Default("{}") HttpLimits limits}.
 *
 * <p>A component with neither this nor {@code @Nullable} is required.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Default {
  /** YAML that the component is read from. */
  String value();
}
