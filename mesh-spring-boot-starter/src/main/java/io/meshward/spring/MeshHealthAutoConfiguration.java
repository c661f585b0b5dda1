package io.meshward.spring;

import io.meshward.runtime.MeshRuntime;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/** Tells the application's health from the mesh's, where it has Spring Boot's health module. */
@AutoConfiguration(after = MeshAutoConfiguration.class)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
public class MeshHealthAutoConfiguration {

  /** Named {@code mesh} in the answer of the health endpoint. */
  @Bean
  @ConditionalOnBean(MeshRuntime.class)
  @ConditionalOnEnabledHealthIndicator("mesh")
  HealthIndicator meshHealthIndicator(MeshRuntime runtime) {
    return new MeshHealthIndicator(runtime);
  }
}
