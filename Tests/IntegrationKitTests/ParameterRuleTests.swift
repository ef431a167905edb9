import Basics
import JSON
import Testing

@testable import IntegrationKit

/// Rules between parameters, in validation and schema.
@Suite struct ParameterRuleTests {
  private static let schema = JSONFragment { Sample.shape.writeSchema(to: &$0) }.json

  /// The given parameters of one call.
  private struct Given {
    var ids: String?
    var device: String?
    var method: String?
    var parent: String?
    var force: String?

    /// Every combination; nil for a missing parameter.
    static let all: [Given] = {
      var all: [Given] = []
      for ids in [nil, #"["a"]"#] {
        for device in [nil, "7"] {
          for method in [nil, #""move""#, #""delete""#, #""keep_all""#, #""other""#] {
            for parent in [nil, #""p""#] {
              for force in [nil, "true", "false"] {
                all.append(
                  Given(ids: ids, device: device, method: method, parent: parent, force: force))
              }
            }
          }
        }
      }
      return all
    }()

    func text(missingAsNull: Bool = false) -> String {
      let members = [
        ("endpoint_ids", ids), ("device_id", device), ("update_method", method),
        ("parent_id", parent), ("force_delete", force),
      ].compactMap { name, value in
        (value ?? (missingAsNull ? "null" : nil)).map { #""\#(name)":\#($0)"# }
      }
      return #"{"scan_name":"n""# + members.map { "," + $0 }.joined() + "}"
    }

    /// An independent statement of the rules.
    var isAllowed: Bool {
      let hasTarget = ids != nil || device != nil
      let needsParent = method == #""move""# || method == #""keep_all""#
      let mayForce = method == #""delete""# || method == #""keep_all""#
      return method != #""other""# && hasTarget && (parent != nil || !needsParent)
        && (force == nil || mayForce)
    }
  }

  private func isAccepted(_ text: String) throws -> Bool {
    let json = try JSON.parse(text)
    return (try? Sample.shape.decode(json) { Sample(&$0) }) != nil
  }

  @Test func `validation and schema agree with the rules for every combination`() throws {
    #expect(Given.all.count == 120)
    for given in Given.all {
      let text = given.text()
      #expect(try isAccepted(text) == given.isAllowed, "checking \(text)")
      let isValid = SchemaEvaluator.accepts(Self.schema, try JSON.parse(text))
      #expect(isValid == given.isAllowed, "the schema on \(text)")
    }
  }

  @Test func `null counts as not given in every rule`() throws {
    for given in Given.all {
      let text = given.text(missingAsNull: true)
      #expect(try isAccepted(text) == given.isAllowed, "\(text)")
    }
  }

  @Test(arguments: [
    (#"{"scan_name":"n","device_id":1}"#, true), (#"{"device_id":1}"#, false),
    (#"{"scan_name":"n","device_id":1,"unknown":1}"#, false),
    (#"{"scan_name":"n","device_id":1,"filter":{"unknown":1}}"#, false),
    (#"{"scan_name":"n","device_id":1,"filter":{"port":{"number":0}}}"#, false),
    (#"{"scan_name":"n","device_id":1,"ports":[{"number":1},{}]}"#, false),
    (#"{"scan_name":"n","device_id":1,"ports":[{"number":1}]}"#, true),
    (#"{"scan_name":"n","endpoint_ids":[]}"#, false), ("[]", false), ("null", false),
  ])
  func `validation and schema agree on other objects`(text: String, isValid: Bool) throws {
    #expect(try isAccepted(text) == isValid)
    #expect(SchemaEvaluator.accepts(Self.schema, try JSON.parse(text)) == isValid)
  }
}
