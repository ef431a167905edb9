import Basics
import JSON

/// A scan task for some endpoints.
struct GravityZoneScanTask {
  let id: String
  let name: String
  let companyID: String
  let created: Int

  /// 1 pending, 2 in progress, 3 finished.
  func status(at now: Int) -> Int {
    let age = now - created
    if age < GravityZoneState.scanPendingSeconds { return 1 }
    return age < GravityZoneState.scanPendingSeconds + GravityZoneState.scanSeconds ? 2 : 3
  }

  func write(to writer: inout JSONWriter, now: Int) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("status", status(at: now))
      writer.member("startDate", Timestamp.plain(created))
    }
  }
}
