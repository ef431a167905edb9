import Basics
import JSON

/// A machine known to the vendor.
struct CODADevice {
  let id: Int
  /// Whether it is seen only from the network; otherwise it runs an agent.
  let isServer: Bool
  let name: String
  let ip: String
  /// `WIN`, `MAC` or `LNX`.
  let osType: String
  let risk: CODARisk
  let isOnline: Bool
  let isExternal: Bool
  /// `agentbased`, `agentless` or `nessusimport`.
  let source: String
  let scannerID: Int
  let scannerName: String
  let applicationsCount: Int
  let tcpPorts: [Int]
  let udpPorts: [Int]
  let tags: [String]
  let discoveredOn: Int
  let lastSeen: Int
  /// Nil if it was discovered but never scanned.
  let lastScanned: Int?
  let isAttackAvenuesAvailable: Bool
  let avenues: [CODAAvenue]
  let vulnerabilities: [CODAFinding]
  let users: [CODAUserAccount]
  let networkConnections: [CODANetworkConnection]

  /// Whether the row has the quirks of the real wire format.
  var hasQuirks: Bool { id % 7 == 0 }
  private var agentID: Int { id + 3_000 }

  func write(to writer: inout JSONWriter, _ profile: CODA.Profile) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("type", isServer ? "Server" : "AgentDevice")
      writer.name("agentStatus")
      writeAgentStatus(to: &writer, profile)
      writer.member("disclaimer", hasQuirks ? "None" : "")
      writer.member("provider", "")
      if profile == .classic {
        writer.member("isAttackAvenuesAvailable", isAttackAvenuesAvailable)
      }
      writer.member("isOnline", isOnline ? "True" : "False")
      writer.member("riskLevel", risk.rawValue)
      writer.member("ip", ip)
      writer.member("name", name)
      writer.member("originalName", name)
      writer.member("discoveredOn", date(discoveredOn))
      writer.member("lastSeen", date(lastSeen))
      writer.name("hostnames")
      writer.array { $0.string(name.lowercased() + (isExternal ? ".acme.example" : ".corp.local")) }
      writer.member("applicationsCount", applicationsCount)
      writer.name("protocols")
      writer.array { writer in
        if !tcpPorts.isEmpty { writer.string("tcp") }
        if !udpPorts.isEmpty { writer.string("udp") }
      }
      writeAgentID(to: &writer)
      writer.member("hasScapResults", false)
      writer.member("hasAgentInstalled", !isServer)
      writer.member("isNetworkEdgeScanDisabled", isExternal ? "False" : "True")
      writer.member("numberOfCves", vulnerabilities.count)
      writer.member("numberOfAttackAvenues", isAttackAvenuesAvailable ? avenues.count : 0)
      writer.member("avoidBruteForce", false)
      if profile == .current { writeCurrentMembers(to: &writer) }
    }
  }

  private func date(_ seconds: Int) -> String {
    hasQuirks ? Timestamp.spaced(seconds) : Timestamp.iso(seconds)
  }

  private func writeAgentID(to writer: inout JSONWriter) {
    writer.name("agentId")
    switch (isServer, hasQuirks) {
    case (false, _): writer.integer(agentID)
    case (true, true): writer.string("")
    case (true, false): writer.null()
    }
  }

  private func writeAgentStatus(to writer: inout JSONWriter, _ profile: CODA.Profile) {
    if isServer {
      // The documents declare an object or a string; the real wire format also has "" and "None".
      switch profile {
      case .classic: writer.string(hasQuirks ? "None" : "")
      case .current: if hasQuirks { writer.string("") } else { writer.null() }
      }
      return
    }
    guard profile == .current else {
      writer.string(isOnline ? "online" : "offline")
      return
    }
    writer.object { writer in
      writer.member("hostname", name)
      writer.member("osType", osType)
      writer.member("version", "7.18.19")
      writer.member("status", isOnline ? "online" : "offline")
      writer.member("guid", "7d1f0c52-55aa-4c1e-9b60-00000000\(id)")
      writer.member("lastUpdate", date(discoveredOn))
      writer.member("lastCheckin", date(lastSeen))
    }
  }

  private func writeCurrentMembers(to writer: inout JSONWriter) {
    writer.member("scannerName", scannerName)
    writer.name("ports")
    writer.object { writer in
      for (name, ports) in [("tcp", tcpPorts), ("udp", udpPorts)] {
        writer.name(text: name)
        writer.array { writer in for port in ports { writer.integer(port) } }
      }
    }
    writer.member("deviceState", "AVAILABLE")
    writer.name("tags")
    writer.array { writer in
      for tag in tags {
        writer.object { writer in
          writer.member("tag", tag)
          writer.name("excludeBusinessContexts")
          writer.array { _ in }
        }
      }
    }
    writer.name("lastScanned")
    if let lastScanned { writer.string(date(lastScanned)) } else { writer.null() }
  }
}

/// An account on a device. All members are strings on the wire.
struct CODAUserAccount {
  let name: String
  let description: String
  /// Windows account control flags in decimal.
  let accountType: String
  let isDisabled: Bool
  let passwordExpires: Bool

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("accountType", accountType)
      writer.member("description", description)
      writer.member("disabled", isDisabled ? "True" : "False")
      writer.member("name", name)
      writer.member("passwordExpires", passwordExpires ? "True" : "False")
    }
  }
}

/// The vendor does not document the members of a network connection; these are a guess.
struct CODANetworkConnection {
  let localPort: Int
  let remoteAddress: String
  let remotePort: Int
  let processName: String

  func write(to writer: inout JSONWriter, from localAddress: String) {
    writer.object { writer in
      writer.member("localAddress", localAddress)
      writer.member("localPort", localPort)
      writer.member("remoteAddress", remoteAddress)
      writer.member("remotePort", remotePort)
      writer.member("protocol", "tcp")
      writer.member("state", "ESTABLISHED")
      writer.member("processName", processName)
    }
  }
}
