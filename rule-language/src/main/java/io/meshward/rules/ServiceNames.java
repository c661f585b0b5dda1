package io.meshward.rules;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Ports by the names that IANA registered for the services which rules speak of. */
final class ServiceNames {

  private static final Map<String, Long> PORTS =
      Map.ofEntries(
          Map.entry("ftp", 21L),
          Map.entry("ssh", 22L),
          Map.entry("telnet", 23L),
          Map.entry("smtp", 25L),
          Map.entry("domain", 53L),
          Map.entry("tftp", 69L),
          Map.entry("http", 80L),
          Map.entry("kerberos", 88L),
          Map.entry("pop3", 110L),
          Map.entry("sunrpc", 111L),
          Map.entry("ntp", 123L),
          Map.entry("imap2", 143L),
          Map.entry("snmp", 161L),
          Map.entry("ldap", 389L),
          Map.entry("https", 443L),
          Map.entry("microsoft-ds", 445L),
          Map.entry("syslog", 514L),
          Map.entry("submission", 587L),
          Map.entry("ldaps", 636L),
          Map.entry("domain-s", 853L),
          Map.entry("imaps", 993L),
          Map.entry("pop3s", 995L),
          Map.entry("socks", 1080L),
          Map.entry("ms-sql-s", 1433L),
          Map.entry("nfs", 2049L),
          Map.entry("mysql", 3306L),
          Map.entry("ms-wbt-server", 3389L),
          Map.entry("postgresql", 5432L),
          Map.entry("amqp", 5672L),
          Map.entry("http-alt", 8080L));

  private ServiceNames() {}

  static @Nullable Long port(String service) {
    return PORTS.get(service);
  }
}
