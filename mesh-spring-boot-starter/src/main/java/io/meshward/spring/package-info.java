/** Servers of Spring gRPC in the mesh, and no other ones. */
@org.jspecify.annotations.NullMarked
package io.meshward.spring;
