import Basics
import JSON

/// A technical context: machines that serve one purpose together.
struct CODAContext {
  let id: Int
  let name: String
  let modified: Int
  let risk: CODARisk
  /// The number of machines by risk level, in the order of `CODARisk`.
  let levels: [CODARisk: Int]
  let applications: Int
  let assetZone: String

  private var hasQuirks: Bool { id % 7 == 0 }

  /// - Parameter isDetail: whether this is the response of the route for one context. It has more
  ///   members in the current API, and the same in the classic API.
  func write(to writer: inout JSONWriter, _ profile: CODA.Profile, isDetail: Bool) {
    let date = hasQuirks ? Timestamp.spaced : Timestamp.iso
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("modified", date(modified))
      switch profile {
      case .classic: writer.member("state", risk.rawValue)
      case .current: writer.member("riskLevel", risk.word(.current))
      }
      writer.member("type", "ts")
      writer.member("icon", hasQuirks ? "None" : "")
      writer.name("info")
      writeInfo(to: &writer)
      guard isDetail && profile == .current else { return }
      writer.member("created", date(modified - 30 * 86_400))
      writer.member("createdBy", "operator@acme.example")
      writer.name("crs")
      writer.array { _ in }
      writer.name("technicalContexts")
      writer.array { _ in }
      writer.name("itOwner")
      writer.null()
      writer.member("itOwnerName", "")
      writer.member("itOwnerEmail", "")
    }
  }

  private func writeInfo(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.name("levels")
      writer.object { writer in
        for level in [CODARisk.critical, .vulnerable, .nonvisible, .secure] {
          writer.name(text: level.word(.classic))
          // The real wire format also has numbers as text here.
          let count = levels[level] ?? 0
          if hasQuirks && level == .critical {
            writer.string("\(count)")
          } else {
            writer.integer(count)
          }
        }
      }
      writer.member("uptime", 99)
      writer.member("businessImpact", risk.rawValue)
      writer.member("applications", applications)
      writer.member("applicationsUp", max(0, applications - 1))
      writer.member("accessibleBy", assetZone == "Internet" ? "Everyone" : "Only Users")
      writer.member("assetZone", assetZone)
    }
  }
}
