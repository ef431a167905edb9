import Basics
import JSON

/// A quarantined file or mail.
struct GravityZoneQuarantineItem {
  enum Service {
    case computers
    /// With sender, recipient and subject of the mail.
    case exchange
  }

  let id: String
  let service: Service
  let endpointID: String
  let threatName: String
  /// For a mail, the name of its attachment.
  let filePath: String
  let quarantinedOn: Int
  /// 0 none, 1 removal pending, 2 restoration pending, 3 removal failed, 4 restoration failed,
  /// 16 saving pending, 17 saving failed.
  var actionStatus: Int
  let canBeRemoved: Bool
  /// The completion time of a pending removal.
  var removedAt: Int?

  func write(to writer: inout JSONWriter, on endpoint: GravityZoneEndpoint) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("quarantinedOn", Timestamp.plain(quarantinedOn))
      writer.member("actionStatus", actionStatus)
      writer.member("companyId", endpoint.companyID)
      writer.member("endpointId", endpointID)
      writer.member("endpointName", endpoint.name)
      writer.member("endpointIP", endpoint.ip)
      writer.member("endpointAvailable", true)
      writer.member("canBeRestored", actionStatus == 0)
      writer.member("canBeRemoved", canBeRemoved && actionStatus != 1)
      writer.member("threatName", threatName)
      writer.name("details")
      writeDetails(to: &writer)
    }
  }

  private func writeDetails(to writer: inout JSONWriter) {
    writer.object { writer in
      guard service == .exchange else {
        writer.member("filePath", filePath)
        return
      }
      writer.member("threatStatus", 1)
      writer.member("itemType", 0)
      writer.member("detectionPoint", 0)
      writer.name("email")
      writer.object { writer in
        writer.member("subject", "Re: " + filePath)
        writer.member("sender", "sender@outside.example")
        writer.name("recipients")
        writer.array { $0.string("reader@sandbox.example") }
      }
    }
  }
}
