/** Tests of the whole under failures: daemons that are killed, a broker that restarts, poison. */
@NullMarked
package io.meshward.chaos;

import org.jspecify.annotations.NullMarked;
