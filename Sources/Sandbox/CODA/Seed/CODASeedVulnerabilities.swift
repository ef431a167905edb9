extension CODASeed {
  private static let remote = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
  private static let remoteBeyond = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"
  private static let remoteWithAccount = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
  private static let remoteWithClick = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"
  private static let remoteWithLuck = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H"
  private static let local = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
  private static let localWithClick = "CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"
  private static let disclosure = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
  private static let denial = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
  private static let tampering = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:N"
  private static let weakTampering = "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N"

  private typealias Row = (
    cve: String, affected: String, summary: String, score: Double, impact: Double,
    exploitability: Double, vector: String, published: String, isExploitPublic: Bool
  )

  /// Real vulnerabilities, so that the data looks like a customer's. Devices refer to them by
  /// position.
  private static let rows: [Row] = [
    (
      "CVE-2021-44228", "Apache Log4j 2.14.1", "JNDI lookups in log messages run remote code.",
      10.0, 6.0, 3.9, remoteBeyond, "2021-12-10", true
    ),
    (
      "CVE-2021-34527", "Windows Print Spooler", "PrintNightmare: privileged file operations.",
      8.8, 5.9, 2.8, remoteWithAccount, "2021-07-02", true
    ),
    (
      "CVE-2020-1472", "Windows Netlogon", "Zerologon: a domain controller is taken over.",
      10.0, 6.0, 3.9, remoteBeyond, "2020-08-17", true
    ),
    (
      "CVE-2017-0144", "Windows SMB 1.0", "EternalBlue: crafted packets run code.",
      8.8, 5.9, 2.8, remoteWithAccount, "2017-03-17", true
    ),
    (
      "CVE-2023-23397", "Microsoft Outlook 2016", "A reminder leaks the user's NTLM hash.",
      9.8, 5.9, 3.9, remote, "2023-03-14", true
    ),
    (
      "CVE-2019-0708", "Windows Remote Desktop Services", "BlueKeep: code runs before sign-in.",
      9.8, 5.9, 3.9, remote, "2019-05-16", true
    ),
    (
      "CVE-2018-13379", "Fortinet FortiOS 6.0.4", "Path traversal hands out VPN passwords.",
      9.8, 5.9, 3.9, remote, "2019-06-04", true
    ),
    (
      "CVE-2022-30190", "Windows MSDT", "Follina: a document runs code by way of MSDT.",
      7.8, 5.9, 1.8, localWithClick, "2022-06-01", true
    ),
    (
      "CVE-2023-4863", "Google Chrome 116.0", "Heap overflow in libwebp.",
      8.8, 5.9, 2.8, remoteWithClick, "2023-09-12", true
    ),
    (
      "CVE-2024-6387", "OpenSSH 9.6p1", "regreSSHion: a signal handler race in sshd.",
      8.1, 5.9, 2.2, remoteWithLuck, "2024-07-01", false
    ),
    (
      "CVE-2023-38831", "WinRAR 6.22", "An archive runs a script of the same name.",
      7.8, 5.9, 1.8, localWithClick, "2023-08-23", true
    ),
    (
      "CVE-2021-40444", "Windows MSHTML", "A document runs an ActiveX control.",
      8.8, 5.9, 2.8, remoteWithClick, "2021-09-15", true
    ),
    (
      "CVE-2021-3156", "sudo 1.8.31", "Baron Samedit: heap overflow gives root.",
      7.8, 5.9, 1.8, local, "2021-01-26", true
    ),
    (
      "CVE-2022-0847", "Linux kernel 5.10", "Dirty Pipe: read-only files are overwritten.",
      7.8, 5.9, 1.8, local, "2022-03-10", true
    ),
    (
      "CVE-2014-0160", "OpenSSL 1.0.1f", "Heartbleed: memory is read over TLS.",
      7.5, 3.6, 3.9, disclosure, "2014-04-07", true
    ),
    (
      "CVE-2023-44487", "nginx 1.20", "HTTP/2 rapid reset exhausts the server.",
      7.5, 3.6, 3.9, denial, "2023-10-10", true
    ),
    (
      "CVE-2023-48795", "OpenSSH 9.5p1", "Terrapin: the start of a session is cut off.",
      5.9, 3.6, 2.2, tampering, "2023-12-18", false
    ),
    (
      "CVE-2015-4000", "Diffie-Hellman of 512 bits", "Logjam: export-grade keys are accepted.",
      3.7, 1.4, 2.2, weakTampering, "2015-05-21", false
    ),
    (
      "CVE-2016-2183", "Triple DES in TLS", "SWEET32: long sessions leak plain text.",
      7.5, 3.6, 3.9, disclosure, "2016-09-01", false
    ),
  ]

  static let vulnerabilityTable = rows.map { row in
    CODAVulnerability(
      cve: row.cve, affected: row.affected, summary: row.summary, score: row.score,
      impact: row.impact, exploitability: row.exploitability, vector: row.vector,
      published: row.published, isExploitPublic: row.isExploitPublic)
  }
}
