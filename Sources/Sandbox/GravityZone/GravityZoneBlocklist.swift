import Basics
import JSON

/// A blocklist item: a file, path or connection that is blocked.
struct GravityZoneBlocklistItem {
  enum Rule: Equatable {
    case hash(algorithm: Int, String)
    case path(JSONFragment)
    case connection(JSONFragment)
  }

  let id: String
  let companyID: String
  let rule: Rule
  /// 1 an incident, 2 an import, 3 manual.
  let source: Int
  let note: String
  let filename: String?
  let created: Int

  static let sha256 = 1
  static let md5 = 2
  static func digits(_ algorithm: Int) -> Int { algorithm == sha256 ? 64 : 32 }

  private static let sources = ["Incident", "Import", "Manual"]

  func write(to writer: inout JSONWriter) {
    guard case .hash(let algorithm, let hash) = rule else { return }
    writer.object { writer in
      writer.member("id", id)
      writer.member("hashType", algorithm)
      writer.member("hash", hash)
      writer.member("source", source)
      writer.member("sourceInfo", note)
      writer.member(ifPresent: "filename", filename)
      writer.member("companyId", companyID)
    }
  }

  /// The format of v1.2.
  func writeRule(to writer: inout JSONWriter, company: GravityZoneCompany?) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("type", type)
      writer.name("source")
      writer.object { writer in
        writer.member("type", source)
        writer.member("description", Self.sources[source - 1])
      }
      writer.member("note", note)
      writer.name("company")
      writer.object { writer in
        writer.member("id", companyID)
        writer.member("name", company?.name ?? "")
      }
      writer.name("owner")
      writer.object { writer in
        writer.member("id", GravityZoneID.make(.user, 1))
        writer.member("username", "api@sandbox.example")
      }
      writer.member("created", Timestamp.plain(created))
      writer.name("details")
      writeDetails(to: &writer)
    }
  }

  private var type: String {
    switch rule {
    case .hash: "hash"
    case .path: "path"
    case .connection: "connection"
    }
  }

  private func writeDetails(to writer: inout JSONWriter) {
    switch rule {
    case .path(let details), .connection(let details): writer.value(details)
    case .hash(let algorithm, let hash):
      writer.object { writer in
        writer.member("algorithm", algorithm == Self.sha256 ? "sha256" : "md5")
        writer.member("hash", hash)
        writer.member(ifPresent: "filename", filename)
      }
    }
  }
}
