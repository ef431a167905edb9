import IntegrationKit
import JSON

/// The columns of a table of JSON objects.
enum Columns {
  /// The most relevant columns. The others follow in the vendor's order.
  private static let first = [
    "id", "name", "title", "label", "input", "cve", "ip", "type", "severity", "riskLevel", "state",
    "threatName", "endpointName", "quarantinedOn", "hash", "status", "operatingSystem", "lastSeen",
    "From", "Subject", "Date", "Unique Event Key", "Sender", "Email subject",
  ]

  /// The scalar members with a value in at least one row.
  static func names(of items: [JSON]) -> [String] {
    guard let item = items.first else { return [] }
    let names = item.members.compactMap { member in
      isScalar(member.value) ? member.name.string : nil
    }
    let used = names.filter { name in items.contains { !($0[name].map(text) ?? "").isEmpty } }
    return first.filter(used.contains) + used.filter { !first.contains($0) }
  }

  static func row(_ item: JSON, _ names: [String]) -> [String] {
    names.map { item[$0].map(text) ?? "" }
  }

  static func isScalar(_ json: JSON) -> Bool { json.kind != .object && json.kind != .array }

  static func text(_ json: JSON) -> String { json.isNull ? "" : json.string ?? json.sourceText }
}
