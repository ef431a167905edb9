import Basics
import JSON

/// A report and its archive.
struct GravityZoneReport {
  enum Occurrence: Int, CaseIterable {
    case instant = 1
    case hourly, daily, weekly, monthly
  }

  /// A fault of the report's download link.
  enum LinkFault {
    case none
    /// Another address of this machine.
    case foreignAddress
    /// A host name that does not resolve.
    case foreignName
    /// Status 200 with a sign-in page.
    case page
  }

  let id: String
  let name: String
  let type: Int
  let occurrence: Occurrence
  let companyID: String
  /// Seconds after the start; nil for never.
  var readyAfterSeconds: Int? = 0
  var linkFault = LinkFault.none

  static let types = Set(1...41).subtracting([11, 25, 26, 27, 28])
  private static let instantLifeSeconds = 86_400
  private static let instances = 3

  func exists(_ state: GravityZoneState, now: Int) -> Bool {
    occurrence != .instant || now - state.began < Self.instantLifeSeconds
  }

  func isReady(_ state: GravityZoneState, now: Int) -> Bool {
    readyAfterSeconds.map { now - state.began >= $0 } ?? false
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("type", type)
      writer.member("occurrence", occurrence.rawValue)
    }
  }

  func writeLinks(to writer: inout JSONWriter, isReady: Bool, origin: String) {
    writer.object { writer in
      writer.member("readyForDownload", isReady)
      guard isReady else { return }
      writer.member("lastInstanceUrl", link(origin, allInstances: false))
      if occurrence != .instant {
        writer.member("allInstancesUrl", link(origin, allInstances: true))
      }
    }
  }

  private func link(_ origin: String, allInstances: Bool) -> String {
    let start =
      switch linkFault {
      case .none, .page: origin
      case .foreignAddress:
        "http://127.0.0.2" + origin.drop { $0 != ":" }.dropFirst().drop { $0 != ":" }
      case .foreignName: "https://reports.example.invalid"
      }
    return "\(start)/api/v1.0/http/downloadReportZip?reportId=\(id)"
      + "&allInstances=\(allInstances ? 1 : 0)&serviceType=1"
  }

  /// A CSV and a PDF file per instance.
  func archive(allInstances: Bool) -> [UInt8] {
    var archive = ZipArchive()
    for instance in 0..<(allInstances ? Self.instances : 1) {
      let date = Timestamp.plain(GravityZoneSeed.epoch - instance * 86_400).prefix(10)
      let base = String(name.map { $0 == " " ? "_" : $0 }) + "_\(date)"
      let rows = (1...5).map { "FIN-PC\($0),\(type),\(($0 + type + instance) % 4)\r\n" }
      let table = "Endpoint,Report type,Findings\r\n" + rows.joined()
      archive.add(base + ".csv", Array(table.utf8))
      archive.add(base + ".pdf", OnePagePDF.bytes(title: "\(name) \(date)"))
    }
    return archive.bytes
  }
}
