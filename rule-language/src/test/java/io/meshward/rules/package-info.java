@NullMarked
package io.meshward.rules;

import org.jspecify.annotations.NullMarked;
