import Basics
import JSON
import JSONPath
import TestSupport
import Testing

/// The JSONPath Compliance Test Suite, if it is present next to the checkout.
struct ComplianceSuite {
  struct Case: CustomTestStringConvertible, Sendable {
    let json: JSON

    var name: String { json["name"]?.string ?? "" }
    var selector: String { json["selector"]?.string ?? "" }
    var isInvalid: Bool { json["invalid_selector"]?.bool ?? false }
    /// All accepted results: `result` or any of `results`.
    var results: [JSON] { alternatives("result", "results") }
    var paths: [JSON] { alternatives("result_paths", "results_paths") }
    var testDescription: String { name }

    private func alternatives(_ one: String, _ several: String) -> [JSON] {
      json[one].map { [$0] } ?? json[several].map { Array($0.elements) } ?? []
    }
  }

  /// Nil if the suite is absent.
  static let cases: [Case]? = SharedFile.bytes("suites/jsonpath/cts.json").map { text in
    do {
      return try JSON.parse(text)["tests"].map { $0.elements.map(Case.init) } ?? []
    } catch {
      fatalError("the JSONPath compliance suite: \(error)")
    }
  }
}

@Suite(.enabled(if: ComplianceSuite.cases != nil, "the compliance suite is absent"))
struct ComplianceTests {
  @Test func `the suite is complete`() {
    let cases = ComplianceSuite.cases ?? []
    #expect(cases.count == 703)
    #expect(cases.filter(\.isInvalid).count == 247)
    #expect(cases.filter { !$0.isInvalid && $0.results.isEmpty }.isEmpty)
  }

  @Test(arguments: (ComplianceSuite.cases ?? []).filter(\.isInvalid))
  func `an invalid selector is rejected at an offset inside it`(_ invalid: ComplianceSuite.Case) {
    do {
      _ = try JSONPath(invalid.selector)
      Issue.record("accepted: \(invalid.selector)")
    } catch {
      #expect((0...invalid.selector.utf8.count).contains(error.offset))
      #expect(!error.reason.isEmpty)
    }
  }

  @Test(arguments: (ComplianceSuite.cases ?? []).filter { !$0.isInvalid })
  func `a valid selector selects the values and paths`(_ valid: ComplianceSuite.Case) throws {
    let document = try #require(valid.json["document"])
    let path = try JSONPath(valid.selector)
    let values = path.values(in: document).map(canonical)
    let allowed = valid.results.map { $0.elements.map(canonical) }
    #expect(allowed.contains(values))

    let nodes = path.nodes(in: document)
    #expect(nodes.map { canonical($0.value) } == values)
    let paths = nodes.map(\.normalizedPath)
    #expect(valid.paths.map { $0.elements.map { $0.string ?? "" } }.contains(paths))
    // A normalized path is a query for exactly that node.
    for node in nodes {
      let again = try JSONPath(node.normalizedPath).nodes(in: document)
      #expect(again.map(\.normalizedPath) == [node.normalizedPath])
    }
  }
}

/// A canonical text per value, so that the test does not depend on the module's own equality.
private func canonical(_ json: JSON) -> String {
  switch json.kind {
  case .object:
    let members = json.members.map { "\(canonical($0.name)):\(canonical($0.value))" }
    return "{\(members.sorted().joined(separator: ","))}"
  case .array: return "[\(json.elements.map(canonical).joined(separator: ","))]"
  case .string: return (json.string ?? "").debugDescription
  case .number: return json.integer.map { "\($0)" } ?? "\(json.double ?? .nan)"
  case .null, .false, .true: return json.sourceText
  }
}
