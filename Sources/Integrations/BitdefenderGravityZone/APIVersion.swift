import IntegrationKit
import JSON

/// A version of the vendor's API. Request and response shapes depend on it.
package struct APIVersion: Sendable, Comparable {
  static let v10 = APIVersion(major: 1, minor: 0)
  static let v11 = APIVersion(major: 1, minor: 1)
  static let v12 = APIVersion(major: 1, minor: 2)

  private let major: Int
  private let minor: Int

  private init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads `v1.0`, also without the letter; each number has at most three digits.
  init?(_ text: String) {
    let digits = text.first == "v" || text.first == "V" ? text.dropFirst() : text[...]
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = Self.number(parts[0]), let minor = Self.number(parts[1])
    else { return nil }
    self.init(major: major, minor: minor)
  }

  private static func number(_ digits: Substring) -> Int? {
    let isNumber = digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    return isNumber && digits.utf8.count <= 3 ? Int(digits) : nil
  }

  /// As in URLs.
  var text: String { "v\(major).\(minor)" }

  package static func < (one: APIVersion, other: APIVersion) -> Bool {
    (one.major, one.minor) < (other.major, other.minor)
  }
}

/// Any version: the vendor adds versions, and the document has no list of them.
struct APIVersionType: ParameterType {
  var placeholder: APIVersion { .v10 }

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> APIVersion? {
    if let version = json.string.flatMap({ APIVersion($0) }) { return version }
    faults.append(ParameterProblem("must be a version such as v1.0"))
    return nil
  }

  func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("pattern", #"^[vV]?[0-9]{1,3}\.[0-9]{1,3}$"#)
  }

  func write(_ value: APIVersion, to writer: inout JSONWriter) { writer.string(value.text) }
}

extension ParameterType where Self == APIVersionType {
  static var apiVersion: APIVersionType { APIVersionType() }
}
