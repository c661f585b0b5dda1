package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.AnnotatedMember;
import com.fasterxml.jackson.databind.introspect.AnnotatedParameter;
import com.fasterxml.jackson.databind.introspect.NopAnnotationIntrospector;
import java.lang.reflect.RecordComponent;
import org.jspecify.annotations.Nullable;

/**
 * Makes a record's component required in JSON, and never null, unless its type says
 * {@code @Nullable}.
 */
final class RecordNullness extends NopAnnotationIntrospector {
  private static final long serialVersionUID = 1L;

  @Override
  public @Nullable Boolean hasRequiredMarker(AnnotatedMember member) {
    return isRequired(member) ? Boolean.TRUE : null;
  }

  @Override
  public JsonSetter.Value findSetterInfo(Annotated annotated) {
    return isRequired(annotated)
        ? JsonSetter.Value.forValueNulls(Nulls.FAIL)
        : JsonSetter.Value.empty();
  }

  private static boolean isRequired(Annotated annotated) {
    if (!(annotated instanceof AnnotatedParameter parameter)
        || !parameter.getDeclaringClass().isRecord()) {
      return false;
    }
    RecordComponent[] components = parameter.getDeclaringClass().getRecordComponents();
    if (parameter.getOwner().getParameterCount() != components.length) {
      return false;
    }
    RecordComponent component = components[parameter.getIndex()];
    return !component.getAnnotatedType().isAnnotationPresent(Nullable.class)
        && !component.getAccessor().isAnnotationPresent(JsonAnySetter.class)
        && !parameter.hasAnnotation(JsonAnySetter.class);
  }
}
