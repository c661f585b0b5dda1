package io.meshward.rules;

import java.util.List;

/** The fields of Falco's system calls that rules use most. */
final class SyscallFields {

  private static final List<String> TEXTS =
      List.of(
          "evt.type",
          "evt.dir",
          "evt.args",
          "evt.res",
          "evt.time",
          "evt.category",
          "evt.info",
          "evt.time.iso8601",
          "evt.failed",
          "evt.source",
          "evt.hostname",
          "evt.plugininfo",
          "evt.asynctype",
          "evt.datetime",
          "evt.latency.human",
          "evt.pluginname",
          "proc.name",
          "proc.pname",
          "proc.cmdline",
          "proc.pcmdline",
          "proc.exe",
          "proc.pexe",
          "proc.exeline",
          "proc.stdin.type",
          "proc.stdout.type",
          "proc.env",
          "proc.cwd",
          "proc.sname",
          "proc.tty.name",
          "user.name",
          "user.homedir",
          "user.shell",
          "user.loginname",
          "group.name",
          "fd.typechar",
          "fd.type",
          "fd.ip.name",
          "fd.sport.name",
          "fd.l4proto",
          "fd.sockfamily",
          "fd.containername",
          "container.id",
          "container.name",
          "container.image",
          "container.image.repository",
          "container.image.tag",
          "container.image.digest",
          "container.type",
          "k8s.ns.name",
          "k8s.pod.name",
          "k8s.pod.id",
          "k8s.pod.uid",
          "k8s.deployment.name",
          "syslog.message");
  private static final List<String> PATHS =
      List.of(
          "fd.name",
          "fd.directory",
          "fd.filename",
          "proc.exepath",
          "proc.pexepath",
          "fs.path.name");
  private static final List<String> NUMBERS =
      List.of(
          "proc.pid",
          "proc.ppid",
          "proc.vpid",
          "proc.tty",
          "proc.sid",
          "fd.num",
          "user.loginuid",
          "thread.tid");
  private static final List<String> COUNTS =
      List.of(
          "evt.num",
          "evt.count",
          "evt.cpu",
          "evt.latency",
          "evt.latency.ns",
          "evt.latency.s",
          "proc.cmdnargs",
          "user.uid",
          "group.gid",
          "proc.nchilds",
          "proc.duration");
  private static final List<String> FLAGS =
      List.of(
          "evt.is_open_read",
          "evt.is_open_write",
          "evt.is_open_exec",
          "evt.is_io",
          "proc.is_exe_writable",
          "proc.is_exe_upper_layer",
          "container.privileged",
          "container.start_ts");

  private SyscallFields() {}

  static FieldCatalogue catalogue() {
    FieldCatalogue.Builder builder = FieldCatalogue.builder();
    TEXTS.forEach(name -> builder.field(name, FieldType.STRING));
    PATHS.forEach(name -> builder.field(name, FieldType.STRING));
    NUMBERS.forEach(name -> builder.field(name, FieldType.INT64));
    COUNTS.forEach(name -> builder.field(name, FieldType.UINT64));
    FLAGS.forEach(name -> builder.field(name, FieldType.BOOLEAN));
    for (String port : List.of("fd.port", "fd.sport", "fd.cport", "fd.lport", "fd.rport")) {
      builder.field(port, FieldType.PORT);
    }
    for (String ip : List.of("fd.ip", "fd.sip", "fd.cip", "fd.lip", "fd.rip")) {
      builder.field(ip, FieldType.IP);
    }
    for (String net : List.of("fd.net", "fd.snet", "fd.cnet")) {
      builder.field(net, FieldType.NET);
    }
    builder.field("evt.rawtime", FieldType.ABSOLUTE_TIME);
    builder.field("thread.cpu", FieldType.DOUBLE);
    builder.field("evt.buffer", FieldType.BYTES);
    builder.list("proc.args", FieldType.STRING);
    for (String ancestor : List.of("proc.aname", "proc.aexepath", "proc.apid", "proc.acmdline")) {
      builder.field(
          new FieldDefinition(ancestor, FieldType.STRING, false, FieldArgument.INDEX_ALLOWED));
    }
    for (String argument : List.of("evt.arg", "evt.rawarg", "evt.abspath")) {
      builder.field(
          new FieldDefinition(argument, FieldType.STRING, false, FieldArgument.KEY_ALLOWED));
    }
    return builder.build();
  }
}
