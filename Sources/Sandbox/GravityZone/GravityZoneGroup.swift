import Basics
import JSON

/// A folder of endpoints.
struct GravityZoneGroup {
  enum Kind {
    /// The two system groups that each company has.
    case computers, deleted
    case custom
  }

  let id: String
  let name: String
  let kind: Kind
  /// A system group's is its company.
  var parentID: String
  let companyID: String

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
    }
  }
}
