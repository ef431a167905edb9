import Basics
import JSON

/// What looks at the network: the vendor's own in the cloud, or one on the customer's site.
struct CODAScanner {
  enum Schedule {
    /// Never pauses; `schedulerConfig` has its three members.
    case always
    /// `schedulerConfig` is `{}`.
    case empty
    /// `schedulerConfig` is text, as seen on the real wire.
    case text(String)
  }

  let id: Int
  let label: String
  let isCloud: Bool
  /// As its administrator left it; only an active one scans.
  let isActive: Bool
  /// Runs an extended scan.
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
