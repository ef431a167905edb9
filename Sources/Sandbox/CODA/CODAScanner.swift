import Basics
import JSON

/// A network scanner: the vendor's scanner in the cloud, or one at the customer's site.
struct CODAScanner {
  enum Schedule {
    /// Never pauses; `schedulerConfig` has all three members.
    case always
    /// `schedulerConfig` is `{}`.
    case empty
    /// `schedulerConfig` is a string, as in the real wire format.
    case text(String)
  }

  let id: Int
  let label: String
  let isCloud: Bool
  /// Set by the administrator. Only active scanners scan.
  let isActive: Bool
  /// Whether an extended scan is running.
  let isBusy: Bool
  let privateIP: String?
  let tenantID: Int
  let numberOfUserInputs: Int
  let numberOfIPsScanned: Int
  let schedule: Schedule

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("state", isActive ? "Online" : "Offline")
      writer.member("administrativeState", isActive ? "Active" : "Stopped")
      writer.name("schedulerConfig")
      writeSchedule(to: &writer)
      writer.member("numberOfUserInputs", numberOfUserInputs)
      writer.member("numberOfIpsScanned", numberOfIPsScanned)
      writer.name("privateIp")
      if let privateIP { writer.string(privateIP) } else { writer.null() }
      writer.member("label", label)
      writer.member("isDefaultCloudScanner", isCloud)
      writer.member("type", isCloud ? "external" : "internal")
      writer.member("installType", isCloud ? "standalone" : "virtualAppliance")
      writer.member("extendScanRunning", isBusy)
      writer.member("isShared", isCloud)
      writer.member("tenant", tenantID)
      writer.name("agent")
      writer.null()
    }
  }

  private func writeSchedule(to writer: inout JSONWriter) {
    switch schedule {
    case .always:
      writer.object { writer in
        writer.member("agentlessScanner", id)
        writer.member("noScanWindowStartInterval", "00:00:00")
        writer.member("noScanWindowStopInterval", "00:00:00")
      }
    case .empty: writer.object { _ in }
    case .text(let text): writer.string(text)
    }
  }
}
