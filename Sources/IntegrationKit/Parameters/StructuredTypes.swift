import Basics
import JSON

/// An object with declared members.
public struct ObjectType<Object: ParameterObject>: ParameterType {
  public var members: ParameterShape? { ParameterShape(of: Object.self) }

  public var placeholder: Object {
    var reader = ParamReader(recordingTo: ParameterRecording(Object.naming))
    return Object(&reader)
  }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Object? {
    guard let members else { preconditionFailure("the object has no shape") }
    do {
      return try members.decode(json) { Object(&$0) }
    } catch {
      faults += error.list
      return nil
    }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    ParameterShape(of: Object.self).writeSchemaMembers(to: &writer)
  }

  /// Not supported: examples of objects are written by hand.
  public func write(_ value: Object, to writer: inout JSONWriter) { writer.object { _ in } }
}

/// A list of values of one type.
public struct ListType<Element: ParameterType>: ParameterType {
  let element: Element
  let countRange: ClosedRange<Int>
  public var placeholder: [Element.Value] { [] }
  public var members: ParameterShape? { element.members }
  public var isList: Bool { true }
  public var note: String? { element.note }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> [Element.Value]? {
    guard json.kind == .array else {
      faults.append(ParameterProblem("must be an array"))
      return nil
    }
    let count = json.count
    guard countRange.contains(count) else {
      faults.append(
        ParameterProblem(
          count < countRange.lowerBound
            ? "must have at least \(countRange.lowerBound) items, not \(count)"
            : "must have at most \(countRange.upperBound) items, not \(count)"))
      return nil
    }
    var values: [Element.Value] = []
    for (position, item) in json.elements.enumerated() {
      var itemFaults: [ParameterProblem] = []
      if let value = element.decode(item, members: members, faults: &itemFaults) {
        values.append(value)
      }
      faults += itemFaults.map { $0.inside(String(position)) }
    }
    return values
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "array")
    writer.name("items")
    writer.object { element.writeSchema(to: &$0) }
    writer.member("minItems", countRange.lowerBound)
    if countRange.upperBound != .max { writer.member("maxItems", countRange.upperBound) }
  }

  public func write(_ value: [Element.Value], to writer: inout JSONWriter) {
    writer.array { for item in value { element.write(item, to: &$0) } }
  }
}

/// One value or an array of values. A single value is treated as a list of one.
public struct OneOrMoreType<Element: ParameterType>: ParameterType {
  let list: ListType<Element>
  public var placeholder: [Element.Value] { [] }
  public var isList: Bool { true }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> [Element.Value]? {
    if json.kind == .array { return list.decode(json, members: members, faults: &faults) }
    return list.element.decode(json, members: members, faults: &faults).map { [$0] }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.name("anyOf")
    writer.array { writer in
      writer.object { list.element.writeSchema(to: &$0) }
      writer.object { list.writeSchema(to: &$0) }
    }
  }

  public func write(_ value: [Element.Value], to writer: inout JSONWriter) {
    if value.count == 1 {
      list.element.write(value[0], to: &writer)
    } else {
      list.write(value, to: &writer)
    }
  }
}

/// Any JSON, passed on unchanged. `kind` restricts it to one JSON type.
public struct JSONType: ParameterType {
  let kind: JSON.Kind?
  public var placeholder: JSON { JSONFragment.null.json }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> JSON? {
    if let kind, json.kind != kind {
      faults.append(ParameterProblem("must be \(kind == .string ? "a string" : "an object")"))
      return nil
    }
    return json
  }

  public func writeSchema(to writer: inout JSONWriter) {
    // Not the name of the case: looking that up takes longer than writing the rest of the schema.
    if let kind { writer.member("type", kind == .string ? "string" : "object") }
  }

  public func write(_ value: JSON, to writer: inout JSONWriter) { writer.value(value) }
}
