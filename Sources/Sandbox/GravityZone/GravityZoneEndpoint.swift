import Basics
import JSON

/// A machine.
struct GravityZoneEndpoint {
  enum Machine: Int {
    case other = 0
    case computer, virtualMachine, ec2Instance
  }

  enum Role {
    case workstation, relay, exchangeServer, securityServer
  }

  enum Isolation: Equatable {
    case none
    case isolating(until: Int)
    case isolated
    case restoring(until: Int)

    mutating func advance(to now: Int) {
      switch self {
      case .isolating(let end) where end <= now: self = .isolated
      case .restoring(let end) where end <= now: self = .none
      default: break
      }
    }
  }

  let id: String
  let number: Int
  let name: String
  var label = ""
  let companyID: String
  var groupID: String
  let isManaged: Bool
  let machine: Machine
  let role: Role
  let operatingSystem: String
  let ssid: String
  let hasEDR: Bool
  var isolation = Isolation.none

  var fqdn: String { name.lowercased() + ".sandbox.example" }
  var ip: String { "10.\(machine.rawValue).\(number / 250).\(10 + number % 240)" }

  /// Digits without separators. A machine with cable and Wi-Fi has two addresses.
  var macs: [String] {
    let digits = String(number, radix: 16)
    let tail = String(repeating: "0", count: 6 - digits.count) + digits
    return ["0250f2" + tail] + (ssid.isEmpty ? [] : ["0251f2" + tail])
  }

  var isManagedWithBest: Bool { isManaged && machine != .other }
  var inventoryType: Int { machine.rawValue <= 1 ? 5 : machine.rawValue + 4 }

  // MARK: Responses

  func writeListed(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writeShared(to: &writer)
      writer.member("managedWithBest", isManagedWithBest)
      writeRole(to: &writer)
    }
  }

  func writeInventoryDetails(to writer: inout JSONWriter) {
    writer.object { writer in
      writeShared(to: &writer)
      if isManaged {
        writer.name("modules")
        writeModules(to: &writer)
        writer.member("managedWithBest", isManagedWithBest)
      }
      writeRole(to: &writer)
    }
  }

  private func writeShared(to writer: inout JSONWriter) {
    writer.member("label", label)
    writer.member("fqdn", fqdn)
    writer.member("groupId", groupID)
    writer.member("isManaged", isManaged)
    writer.member("machineType", machine.rawValue)
    writer.member("operatingSystemVersion", operatingSystem)
    writer.member("ip", ip)
    writer.name("macs")
    writer.array { writer in for mac in macs { writer.string(mac) } }
    writer.member("ssid", ssid)
  }

  /// Flags that are present only if they are true.
  private func writeRole(to writer: inout JSONWriter) {
    switch role {
    case .workstation: break
    case .relay: writer.member("managedRelay", true)
    case .exchangeServer: writer.member("managedExchangeServer", true)
    case .securityServer: writer.member("securityServer", true)
    }
  }

  private func writeModules(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("antimalware", true)
      writer.member("firewall", machine == .computer)
      writer.member("contentControl", false)
      writer.member("edrSensor", hasEDR)
      writer.member("relay", role == .relay)
      writer.member("exchange", role == .exchangeServer)
    }
  }

  func writeDetails(to writer: inout JSONWriter, group: GravityZoneGroup?, now: Int) {
    let isOnline = number % 5 != 4
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("companyId", companyID)
      writer.member("operatingSystem", operatingSystem)
      writer.member("state", isOnline ? 1 : 2)
      writer.member("ip", ip)
      writer.member(
        "lastSeen", Timestamp.plain(isOnline ? now - 60 : GravityZoneSeed.epoch - number * 3_600))
      writer.member("machineType", machine.rawValue)
      writer.name("agent")
      writeAgent(to: &writer)
      writer.name("group")
      writer.object { writer in
        writer.member("id", groupID)
        writer.member("name", group?.name ?? "")
      }
      writer.name("malwareStatus")
      writer.object { writer in
        writer.member("detection", number % 9 == 0)
        writer.member("infected", number % 18 == 0)
      }
      writer.name("modules")
      writeModules(to: &writer)
      writer.name("policy")
      writer.object { writer in
        writer.member("id", GravityZoneID.make(.policy, 1))
        writer.member("applied", true)
        writer.member("name", "Baseline policy")
      }
      writer.member("label", label)
      writer.member("managedWithBest", isManagedWithBest)
      writeRole(to: &writer)
    }
  }

  private func writeAgent(to writer: inout JSONWriter) {
    let isOutdated = number % 7 == 3
    writer.object { writer in
      writer.member("engineVersion", "7.96120")
      writer.member("primaryEngine", machine == .computer ? 3 : 1)
      writer.member("fallbackEngine", machine == .computer ? 0 : 2)
      writer.member("lastUpdate", Timestamp.plain(GravityZoneSeed.epoch - number * 600))
      writer.member("licensed", 1)
      writer.member("productOutdated", isOutdated)
      writer.member("productUpdateDisabled", false)
      writer.member("productVersion", isOutdated ? "7.9.8.411" : "7.9.20.515")
      writer.member("signatureOutdated", false)
      writer.member("signatureUpdateDisabled", false)
      writer.member("type", machine == .computer ? 3 : 1)
    }
  }
}
