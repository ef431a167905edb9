import Basics
import Foundation
import JSON
import JSONSchema
import Synchronization
import TestSupport
import Testing

/// Schemas and values that are built to cost much.
@Suite(.timeLimit(.minutes(2)))
struct HostileSchemaTests {
  private func faults(
    _ schema: String, _ value: String, steps: Int = SchemaLimits.steps
  ) throws -> [String] {
    try JSONSchema(try JSON.parse(schema)).faults(of: try JSON.parse(value), steps: steps)
      .map(\.text)
  }

  /// The first reason for which a schema is refused; nil if it is accepted.
  private func refusal(_ schema: String) throws -> String? {
    let json = try JSON.parse(Array(schema.utf8), limits: JSONLimits(depth: 1_000))
    do {
      _ = try JSONSchema(json)
      return nil
    } catch {
      return error.list.first?.message
    }
  }

  private func chain(_ count: Int, end: String) -> String {
    let links = (0..<count).map { ##""\##($0)":{"$ref":"#/$defs/\##($0 + 1)"}"## }
    let all = links.joined(separator: ",")
    return ##"{"$ref":"#/$defs/0","$defs":{\##(all),"\##(count)":\##(end)}}"##
  }

  @Test func `many unique items are checked`() throws {
    let values = (0..<200_000).map { String($0) }.joined(separator: ",")
    #expect(
      try faults(#"{"uniqueItems":true}"#, "[\(values),7]")
        == ["items must be unique; item 200000 repeats item 7"])
    let texts = (0..<50_000).map { #""\#($0)""# }.joined(separator: ",")
    #expect(try faults(#"{"uniqueItems":true}"#, "[\(texts)]") == [])
  }

  @Test func `nested alternatives end at the limit of steps`() throws {
    // Each level asks the next one twice, and the last one refuses.
    let links = (0..<40).map {
      ##""\##($0)":{"anyOf":[{"$ref":"#/$defs/\##($0 + 1)"},{"$ref":"#/$defs/\##($0 + 1)"}]}"##
    }
    let schema = ##"{"$ref":"#/$defs/0","$defs":{\##(links.joined(separator: ",")),"40":false}}"##
    #expect(
      try faults(schema, "1", steps: 100_000)
        == ["cannot be checked: the schema needs more than 100000 steps"])
  }

  @Test func `nested alternatives do not multiply the work of a report`() throws {
    let links = (0..<20).map {
      ##""\##($0)":{"anyOf":[{"$ref":"#/$defs/\##($0 + 1)"},{"type":"null"}]}"##
    }
    let schema =
      ##"{"$ref":"#/$defs/0","$defs":{\##(links.joined(separator: ",")),"20":{"type":"string"}}}"##
    #expect(try faults(schema, "1").count == 1)
  }

  @Test func `references in a row are limited when the schema is compiled`() throws {
    #expect(try refusal(chain(100, end: "true")) == nil)
    #expect(
      try refusal(chain(2_000, end: "true")) == "has too many references in a row; limit: 128")
    #expect(
      try refusal(chain(2_000, end: ##"{"$ref":"#/$defs/0"}"##))
        == "refers back to itself without a step into the value")
  }

  @Test func `deep schemas and many subschemas are refused`() throws {
    let deep =
      String(repeating: #"{"not":"#, count: 900) + "true" + String(repeating: "}", count: 900)
    #expect(try refusal(deep) == "is nested too deeply; limit: 128 levels")
    let many = String(repeating: "true,", count: 10_000) + "true"
    #expect(try refusal(#"{"anyOf":[\#(many)]}"#) == "is too large; limit: 10000 subschemas")
    let large = String(repeating: " ", count: SchemaLimits.bytes)
    #expect(try refusal(#"{"title":"\#(large)"}"#) == "is too large; limit: 1048576 bytes")
  }

  @Test func `a dynamic reference to itself ends at the limit of depth`() throws {
    let schema = ##"{"$dynamicAnchor":"a","$dynamicRef":"#a"}"##
    #expect(try faults(schema, "1") == ["is nested too deeply for the schema; limit: 128 levels"])
  }

  @Test func `a deep value fits on the stack of a thread`() throws {
    // The smallest stack that checks run on is that of a lane of BlockingWork: 512 KB.
    let schemas = [
      ##"{"items":{"$ref":"#"}}"##,
      ##"{"anyOf":[{"items":{"$ref":"#"}},{"type":"null"}]}"##,
      ##"{"properties":{"a":{"oneOf":[{"$ref":"#"},{"type":"null"}]}},"unevaluatedProperties":false}"##,
      #"{"uniqueItems":true}"#, #"{"const":[]}"#,
    ].map { try? JSONSchema(try JSON.parse($0)) }
    let values = try [("[", "]"), (#"{"a":"#, "}")].map { open, close in
      try JSON.parse(
        String(repeating: open, count: 500) + "[]" + String(repeating: close, count: 500))
    }
    let found = Mutex<[String]>([])
    let done = DispatchSemaphore(value: 0)
    NamedThread.start("deep") {
      for schema in schemas {
        for value in values {
          found.withLock { $0 += (schema?.faults(of: value) ?? []).map(\.text) }
        }
      }
      done.signal()
    }
    done.wait()
    let tooDeep = "is nested too deeply for the schema; limit: 128 levels"
    #expect(found.withLock { $0.filter { $0 == tooDeep }.count } == 4)
  }

  @Test func `patterns are limited together, and backtracking costs nothing`() throws {
    let parts = (0..<20).map { #""^\#($0)[a-z]{9000}":true"# }.joined(separator: ",")
    #expect(
      try refusal(#"{"patternProperties":{\#(parts)}}"#)
        == "all patterns are too large; limit: 100000 steps")
    let text = String(repeating: "a", count: 50_000)
    #expect(
      try faults(#"{"pattern":"^(([a-z])+.)+[A-Z]([a-z])+$"}"#, "\"\(text)\"")
        == ["must match the pattern ^(([a-z])+.)+[A-Z]([a-z])+$"])
    #expect(
      try faults(#"{"pattern":"(.*){500}b"}"#, "\"\(text)\"", steps: 1_000_000)
        == ["cannot be checked: the schema needs more than 1000000 steps"])
  }

  @Test func `large tables of names and values are quick`() throws {
    let names = (0..<9_000).map { "\"name\($0)\"" }
    let members = names.map { "\($0):1" }.joined(separator: ",")
    let properties = names.map { #"\#($0):{"type":"integer"}"# }.joined(separator: ",")
    let schema =
      #"{"properties":{\#(properties)},"required":[\#(names.joined(separator: ","))],"additionalProperties":false}"#
    #expect(try faults(schema, "{\(members)}") == [])
    #expect(
      try faults(schema, "{\(members.dropLast(13))}").suffix(1) == ["/name8999: is required"])
    let choices = #"{"items":{"enum":[\#(names.joined(separator: ","))]}}"#
    #expect(try faults(choices, "[\(names.joined(separator: ","))]") == [])
  }

  @Test func `long names do not multiply in pointers`() throws {
    let name = String(repeating: "n", count: 300_000)
    let items = (0..<9_000).map { _ in "{}" }.joined(separator: ",")
    #expect(try faults(#"{"properties":{"\#(name)":{"anyOf":[\#(items)]}}}"#, "1") == [])
    #expect(
      try refusal(#"{"properties":{"\#(name)":{"anyOf":[\#(items),1]}}}"#)
        == "must be an object, true or false")
  }

  @Test func `the absolute names of resources are limited`() throws {
    let segment = String(repeating: "a", count: 1_000)
    var schema = "true"
    for _ in 0..<100 { schema = #"{"$id":"\#(segment)/","not":\#(schema)}"# }
    #expect(try refusal(schema) == "is too long; limit: 4096 bytes")
    #expect(try refusal(#"{"$id":"\#(segment)","$ref":"\#(segment)"}"#) != nil)
  }

  @Test func `suggestions for many unknown names are limited`() throws {
    let name = String(repeating: "n", count: 76)
    let names = (1_000..<1_200).map { #""\#(name)\#($0)":true"# }.joined(separator: ",")
    let branch = #"{"properties":{\#(names)},"additionalProperties":false}"#
    let branches = (0..<40).map { _ in branch }.joined(separator: ",")
    let members = (2_000..<2_100).map { #""\#(name)\#($0)":true"# }.joined(separator: ",")
    #expect(
      try !faults(#"{"anyOf":[\#(branches)]}"#, "{\(members)}", steps: 2_000_000).isEmpty)
  }
}
