import Basics
import JSON

/// How the audit file is kept: the options of the command line that concern it.
package struct AuditOptions: Sendable {
  package enum Arguments: String, CaseIterable, Sendable {
    case full
    /// Only their SHA-256.
    case hash
    case none
  }

  package var arguments = Arguments.full
  /// Whether actions that cannot be recorded are refused.
  package var isRequired = false

  package init() {}
}

/// The caller of an action in the audit file.
package struct AuditCaller: Sendable {
  /// A client of the Model Context Protocol, as it names itself.
  package struct Client: Sendable {
    /// Maximum length of its name, and of its version.
    private static let maximumCharacters = 200

    let name: String
    let version: String?

    package init(name: String, version: String?) {
      self.name = name.cut(scalars: Self.maximumCharacters)
      self.version = version?.cut(scalars: Self.maximumCharacters)
    }
  }

  /// Maximum length of an id in bytes. Otherwise a caller could make records that do not fit the file's
  /// memory.
  private static let maximumIDBytes = 1_024

  let id: JSONFragment
  let client: Client?

  /// - Parameter id: of the request, as JSON; null for an action of the host.
  package init(id: JSONFragment = .null, client: Client? = nil) {
    self.id =
      id.bytes.count <= Self.maximumIDBytes
      ? id : JSONFragment { $0.string("(an id of \(id.bytes.count) bytes)") }
    self.client = client
  }
}
