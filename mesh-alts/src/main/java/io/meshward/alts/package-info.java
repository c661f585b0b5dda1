/** Callers whom Google's ALTS authenticates, as identities of the mesh. */
@org.jspecify.annotations.NullMarked
package io.meshward.alts;
