@NullMarked
package io.meshward.testkit;

import org.jspecify.annotations.NullMarked;
