import Basics
import JSON

/// A published vulnerability.
struct CODAVulnerability {
  let cve: String
  let affected: String
  let summary: String
  let score: Double
  let impact: Double
  let exploitability: Double
  let vector: String
  /// Day, `2021-12-10`.
  let published: String
  let isExploitPublic: Bool

  var severity: String {
    switch score {
    case 9...: "critical"
    case 7..<9: "high"
    case 4..<7: "medium"
    default: "low"
    }
  }
}

/// A vulnerability found on a device.
struct CODAFinding {
  static let states = [
    "discovered", "addedToActionPlan", "fixPendingConfirmation", "fixNotConfirmed",
    "fixConfirmed", "falsePositive", "acceptRisk",
  ]

  let id: Int
  let vulnerability: CODAVulnerability
  let state: String
  let discovered: Int

  func write(to writer: inout JSONWriter, of device: CODADevice) {
    let known = vulnerability
    let date = device.hasQuirks ? Timestamp.spaced : Timestamp.iso
    writer.object { writer in
      writer.member("id", id)
      writer.member("elementId", device.id)
      writer.member("cve", known.cve)
      writer.member("affected", known.affected)
      writer.member("summary", known.summary)
      writer.member("discovered", date(discovered))
      writer.member("publishedDate", known.published + "T00:00:00Z")
      writer.member("lastModified", known.published + "T12:00:00Z")
      writeScores(to: &writer)
      writer.member("isPublicExploitAvailable", known.isExploitPublic)
      writer.name("references")
      writer.array { $0.string("https://nvd.nist.gov/vuln/detail/" + known.cve) }
      writer.name("exploits")
      if device.hasQuirks { writer.string("") } else { writer.array { _ in } }
      writer.member("severity", known.severity)
      writer.member("state", state)
      writer.member("motivationText", state == "acceptRisk" ? "Isolated test bench." : "")
      writer.name("stateFixedReason")
      if device.hasQuirks { writer.string("None") } else { writer.null() }
      writer.member("stateLastChangedOn", date(discovered + 86_400))
      writer.member("remediation", "Update \(known.affected) to the latest release.")
      writer.member("hasRLE", known.isExploitPublic)
    }
  }

  private func writeScores(to writer: inout JSONWriter) {
    let known = vulnerability
    writer.name("cvssScore")
    writer.double(known.score)
    writer.name("cvssImpact")
    writer.double(known.impact)
    writer.name("cvssExploit")
    writer.double(known.exploitability)
    writer.member("cvssVectorString", known.vector)
    writer.member("isCritical", known.severity == "critical")
    writer.member("isVulnerable", true)
    writer.member("isLowSeverity", known.severity == "low")
    writer.member("isMediumSeverity", known.severity == "medium")
    writer.member("isHighSeverity", known.severity == "high")
    writer.member("isCriticalSeverity", known.severity == "critical")
  }
}

/// A possible attack path into a device.
struct CODAAvenue {
  let id: Int
  let title: String
  let severity: String
  let score: String
  let state: String
  let solution: String
  let discoveredOn: Int
  let vulnerabilities: [String]

  func write(to writer: inout JSONWriter, of device: CODADevice) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("elementId", device.id)
      writer.member("title", title)
      writer.member("state", state)
      writer.member("motivationText", "")
      writer.member(
        "discoveredOn",
        device.hasQuirks ? Timestamp.spaced(discoveredOn) : Timestamp.iso(discoveredOn))
      writer.member("cvssBase", score)
      writer.name("impact")
      if device.hasQuirks { writer.string("None") } else { writer.null() }
      writer.member("severity", severity)
      for name in [
        "vulnerabilityDetectionResult", "vulnerabilityDetectionMethod", "vulnerabilityInsight",
      ] {
        writer.name(text: name)
        writer.null()
      }
      writer.member("solution", solution)
      writer.name("ref")
      writer.array { _ in }
      writer.name("affectedSoftwareOS")
      writer.null()
      writer.member("qualityOfDetection", "80")
      writer.member("summary", "\(title) on \(device.name).")
      writer.name("vulnerabilities")
      writer.array { writer in for cve in vulnerabilities { writer.string(cve) } }
    }
  }
}
