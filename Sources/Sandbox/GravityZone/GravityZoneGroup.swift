import Basics
import JSON

/// A folder of endpoints.
struct GravityZoneGroup {
  enum Kind {
    /// The two system groups of each company.
    case computers, deleted
    case custom
  }

  let id: String
  let name: String
  let kind: Kind
  /// For a system group, its company.
  var parentID: String
  let companyID: String

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
    }
  }
}
