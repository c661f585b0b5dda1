@NullMarked
package io.meshward.responder;

import org.jspecify.annotations.NullMarked;
