import Basics
import Foundation
import JSON
import JSONSchema
import TestSupport
import Testing

/// The JSON Schema Test Suite for draft 2020-12, if it is present next to the checkout.
struct SchemaSuite {
  struct Group: CustomTestStringConvertible, Sendable {
    let file: String
    let json: JSON

    var schema: JSON { json["schema"] ?? json }
    var tests: [JSON] { json["tests"].map { Array($0.elements) } ?? [] }
    var testDescription: String { "\(file): \(json["description"]?.string ?? "")" }
  }

  private static let path = "suites/json-schema/draft2020-12.json.gz"

  /// Nil if the suite is absent.
  static let groups: [Group]? = SharedFile.bytes(path).map { _ in
    do {
      let suite = try JSON.parse(unpacked())
      return suite.members.flatMap { file in
        file.value.elements.map { Group(file: file.name.string ?? "", json: $0) }
      }
    } catch {
      fatalError("the JSON Schema test suite: \(error)")
    }
  }

  private static func unpacked() throws -> [UInt8] {
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gzip.arguments = ["gzip", "-dc", SharedFile.url(path).path]
    let output = Pipe()
    gzip.standardOutput = output
    try gzip.run()
    return [UInt8](output.fileHandleForReading.readDataToEndOfFile())
  }

  /// Schemas that are refused, because they need another document: a reference, or a dialect.
  static let refusedReasons: Set<String> = [
    "refers to another document, which is not supported",
    "is an unsupported dialect; expected https://json-schema.org/draft/2020-12/schema",
  ]
}

@Suite(.enabled(if: SchemaSuite.groups != nil, "the JSON Schema test suite is absent"))
struct SchemaSuiteTests {
  @Test(arguments: SchemaSuite.groups ?? [])
  func `a value is valid exactly if the suite says so`(_ group: SchemaSuite.Group) throws {
    let schema: JSONSchema
    do {
      schema = try JSONSchema(group.schema)
    } catch {
      #expect(SchemaSuite.refusedReasons.isSuperset(of: error.list.map(\.message)))
      return
    }
    for test in group.tests {
      let data = try #require(test["data"])
      let faults = schema.faults(of: data)
      #expect(
        faults.isEmpty == test["valid"]?.bool,
        "\(test["description"]?.string ?? ""): \(data.sourceText): \(faults.map(\.text))")
    }
  }

  @Test func `only schemas that need another document are refused`() {
    let groups = SchemaSuite.groups ?? []
    #expect(groups.count == 383 && groups.reduce(0) { $0 + $1.tests.count } == 1_299)
    let refused = groups.filter { (try? JSONSchema($0.schema)) == nil }
    #expect(
      Dictionary(grouping: refused, by: \.file).mapValues(\.count)
        == ["defs": 1, "dynamicRef": 5, "ref": 1, "refRemote": 15, "vocabulary": 2])
  }
}
