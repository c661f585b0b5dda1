@NullMarked
package io.meshward.examples;

import org.jspecify.annotations.NullMarked;
