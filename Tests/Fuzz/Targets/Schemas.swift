import JSON
import JSONSchema
import Regexp

/// JSON Schemas, and the patterns in them.
enum Schemas {
  private static let maximumValue = 1_024
  private static let steps = 200_000

  /// A schema in the first line, and a value in the rest.
  static func schema(_ input: UnsafeBufferPointer<UInt8>) {
    let (head, rest) = input.headAndRest
    guard let json = try? JSON.parse(Array(head)), rest.count <= maximumValue,
      let value = try? JSON.parse(rest.isEmpty ? Array("{}".utf8) : Array(rest))
    else { return }
    let schema: JSONSchema
    do {
      schema = try JSONSchema(json)
    } catch {
      check(!error.list.isEmpty, "a schema is refused without a reason")
      check(error.list.allSatisfy { isPlace($0.schemaPath) }, "a reason without a place")
      return
    }
    let faults = schema.faults(of: value, steps: steps)
    check(faults.count <= SchemaLimits.faults, "more faults than the limit")
    for fault in faults {
      check(isPlace(fault.path) && isPlace(fault.schemaPath), "a fault without a place")
      check(!fault.message.isEmpty, "a fault without a message")
      if !fault.isMissing { check(value.at(fault.path) != nil, "no value is at \(fault.path)") }
    }
    checkCombinations(json, value, faults)
  }

  /// Properties that hold for every schema: of `allOf`, `anyOf` and `not` around it.
  private static func checkCombinations(_ json: JSON, _ value: JSON, _ faults: [SchemaFault]) {
    // A reference from the root leads elsewhere inside another schema.
    let isCut = faults.contains { $0.schemaPath.isEmpty && $0.path.isEmpty }
    guard !isCut, !json.withSource({ $0.contains(UInt8(ascii: "$")) }) else { return }
    for (wrapper, isInverted) in [
      ("allOf", false), ("anyOf", false), ("oneOf", false), ("not", true),
    ] {
      let wrapped = JSONFragment { writer in
        writer.object { writer in
          writer.name(text: wrapper)
          if isInverted { writer.value(json) } else { writer.array { $0.value(json) } }
        }
      }.json
      guard let schema = try? JSONSchema(wrapped) else { continue }
      let outer = schema.faults(of: value, steps: 2 * steps)
      check(
        outer.isEmpty == (faults.isEmpty != isInverted)
          || outer.contains { $0.schemaPath.isEmpty && $0.path.isEmpty },
        "\(wrapper) does not agree with its schema")
    }
  }

  private static func isPlace(_ pointer: String) -> Bool {
    pointer.isEmpty || pointer.hasPrefix("/")
  }

  /// A pattern of JSON Schema in the first line, and a text in the rest.
  static func pattern(_ input: UnsafeBufferPointer<UInt8>) {
    let (head, rest) = input.headAndRest
    guard let pattern = try? Regexp(head.text, .ecmaSubset) else { return }
    let text = String(rest.text.prefix(256))
    let isFound = pattern.isFound(in: text)
    check(!pattern.matchesWhole(text) || isFound, "the pattern matches the text and is not found")
    var steps = 1_000
    let limited = pattern.isFound(in: text, steps: &steps)
    check(limited == nil || limited == isFound, "a limit changes the result")
    guard let group = try? Regexp("(?:\(head.text))", .ecmaSubset) else { return }
    check(group.isFound(in: text) == isFound, "a group changes the pattern")
  }
}

extension JSON {
  /// The value at a pointer, if its names are short.
  fileprivate func at(_ pointer: String) -> JSON? {
    guard pointer.utf8.count < 400, !pointer.contains("…") else { return self }
    var value = self
    for part in pointer.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false)
      .dropFirst()
    {
      let name = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
      guard let child = Int(name).flatMap({ value[$0] }) ?? value[name] else { return nil }
      value = child
    }
    return value
  }
}
