import Basics
import JSON

/// A rule between several parameters.
enum Rule: Sendable {
  /// At least one of these must be given. An empty list counts as not given.
  case atLeastOne(of: [String], sentence: String?)
  /// At least one of these must be given if another parameter has one of these values.
  case atLeastOneWhen(of: [String], when: Condition)
  /// Required if another parameter has one of these values.
  case required(String, when: Condition)
  /// Required unless another parameter is given.
  case requiredUnless(String, given: String)
  /// Allowed only if another parameter has one of these values. The default is always allowed.
  case allowed(String, when: Condition)
  /// Some of its values are allowed only if another parameter has one of these values.
  case allowedValues(String, [ConditionValue], when: Condition)
  /// The first time must not be after, or must be before, the second.
  case ordered(String, TimeOrder, String, sentence: String)

  var names: [String] {
    switch self {
    case .atLeastOne(let names, _): names
    case .atLeastOneWhen(let names, let condition): names + [condition.name]
    case .required(let name, let condition), .allowed(let name, let condition),
      .allowedValues(let name, _, let condition):
      [name, condition.name]
    case .requiredUnless(let name, let other): [name, other]
    case .ordered(let first, _, let second, _): [first, second]
    }
  }

  enum TimeOrder: String {
    case notAfter = "must not be after"
    case before = "must be before"

    func holds(_ first: Timestamp, _ second: Timestamp) -> Bool {
      self == .before ? first < second : first <= second
    }
  }

  /// Another parameter has one of these values. If it is not given, its default counts.
  struct Condition: Sendable {
    let name: String
    let values: [ConditionValue]

    var text: String {
      "\(name) is \(values.map(\.description).joined(separator: " or "))"
    }
  }
}

/// A parameter value that a rule depends on: a choice or a boolean.
public enum ConditionValue: Sendable, Equatable, CustomStringConvertible,
  ExpressibleByStringLiteral, ExpressibleByBooleanLiteral
{
  case text(String)
  case boolean(Bool)

  public init(stringLiteral text: String) { self = .text(text) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }

  public static func choice(_ choice: some ParameterChoice) -> Self { .text(choice.rawValue) }

  init?(_ json: JSON) {
    if let text = json.string {
      self = .text(text)
    } else if let value = json.bool {
      self = .boolean(value)
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .text(let text): text
    case .boolean(let value): "\(value)"
    }
  }
}

// MARK: Text

extension ParameterShape {
  /// The rules as sentences.
  public var ruleSentences: [String] {
    rules.map { rule in
      switch rule {
      case .atLeastOne(let names, _): "At least one of \(names.joined(separator: ", "))."
      case .atLeastOneWhen(let names, let condition):
        "At least one of \(names.joined(separator: ", ")) is required when \(condition.text)."
      case .required(let name, let condition): "\(name) is required when \(condition.text)."
      case .requiredUnless(let name, let other): "\(name) is required unless \(other) is given."
      case .allowed(let name, let condition): "\(name) is allowed only when \(condition.text)."
      case .allowedValues(let name, let values, let condition):
        "\(name) may be \(values.map(\.description).joined(separator: " or ")) only when "
          + "\(condition.text)."
      case .ordered(let first, let order, let second, _):
        "\(first) \(order.rawValue) \(second)."
      }
    }
  }

  /// Whether a condition holds if its parameter is not given.
  func holdsByDefault(_ condition: Rule.Condition) -> Bool { holds(condition, nil) != nil }
}

// MARK: Validation

extension ParameterShape {
  /// The problems of the rules that an object violates.
  func violatedRules(by object: JSON?) -> [ParameterProblem] {
    rules.compactMap { rule in
      switch rule {
      case .atLeastOne(let names, let sentence):
        guard names.allSatisfy({ isEmpty($0, object) }) else { return nil }
        return ParameterProblem(
          "at least one of \(names.joined(separator: ", ")) is required", isMissing: true,
          sentence: sentence)
      case .atLeastOneWhen(let names, let condition):
        guard names.allSatisfy({ isEmpty($0, object) }), let value = holds(condition, object)
        else { return nil }
        return ParameterProblem(
          "at least one of \(names.joined(separator: ", ")) is required when \(condition.name) is "
            + "\(value)", isMissing: true)
      case .required(let name, let condition):
        guard let value = holds(condition, object), given(name, object) == nil else { return nil }
        let origin = given(condition.name, object) == nil ? " (its default)" : ""
        return ParameterProblem(
          "is required when \(condition.name) is \(value)\(origin)", at: name, isMissing: true)
      case .requiredUnless(let name, let other):
        guard isEmpty(name, object), isEmpty(other, object) else { return nil }
        return ParameterProblem("is required unless \(other) is given", at: name, isMissing: true)
      case .allowed(let name, let condition):
        guard let value = given(name, object), !isDefault(value, of: name),
          holds(condition, object) == nil
        else { return nil }
        return ParameterProblem("is allowed only when \(condition.text)", at: name)
      case .allowedValues(let name, let choices, let condition):
        guard let value = given(name, object).flatMap({ conditionValue($0, of: name) }),
          choices.contains(value), holds(condition, object) == nil
        else { return nil }
        return ParameterProblem("\(value) is allowed only when \(condition.text)", at: name)
      case .ordered(let first, let order, let second, let sentence):
        guard let start = time(first, object), let end = time(second, object),
          !order.holds(start, end)
        else { return nil }
        return ParameterProblem("\(order.rawValue) \(second)", at: first, sentence: sentence)
      }
    }
  }

  /// The caller's value; nil if it is null.
  private func given(_ name: String, _ object: JSON?) -> JSON? {
    object?[name].flatMap { $0.isNull ? nil : $0 }
  }

  private func givenOrDefault(_ name: String, _ object: JSON?) -> JSON? {
    given(name, object) ?? parameter(name)?.defaultJSON
  }

  private func isEmpty(_ name: String, _ object: JSON?) -> Bool {
    guard let value = given(name, object) else { return true }
    return parameter(name)?.isList == true && value.kind == .array && value.count == 0
  }

  /// The value that satisfies the condition; nil if none does.
  private func holds(_ condition: Rule.Condition, _ object: JSON?) -> ConditionValue? {
    let value = givenOrDefault(condition.name, object)
      .flatMap { conditionValue($0, of: condition.name) }
    return value.flatMap { condition.values.contains($0) ? $0 : nil }
  }

  private func conditionValue(_ value: JSON, of name: String) -> ConditionValue? {
    parameter(name)?.conditionValue(value)
  }

  /// Compares as JSON Schema does: numbers by value.
  private func isDefault(_ value: JSON, of name: String) -> Bool {
    guard let fragment = parameter(name)?.defaultValue else { return false }
    if let given = conditionValue(value, of: name) {
      return given == conditionValue(fragment.json, of: name)
    }
    if let number = fragment.json.double { return value.double == number }
    return JSONFragment(value).canonicalText == fragment.canonicalText
  }

  /// Nil also for an invalid time, which is reported separately.
  private func time(_ name: String, _ object: JSON?) -> Timestamp? {
    var faults: [ParameterProblem] = []
    return givenOrDefault(name, object).flatMap {
      TimestampType().decode($0, members: nil, faults: &faults)
    }
  }
}

// MARK: JSON Schema

extension ParameterShape {
  func writeSchema(of rule: Rule, to writer: inout JSONWriter) {
    writer.object { writer in
      switch rule {
      case .atLeastOne(let names, _):
        writeAnyOf(names, to: &writer)
      case .requiredUnless(let name, let other):
        writeAnyOf([name, other], to: &writer)
      case .atLeastOneWhen(let names, let condition):
        writer.name("if")
        writer.object { write(condition, to: &$0) }
        writer.name("then")
        writer.object { writeAnyOf(names, to: &$0) }
      case .required(let name, let condition):
        writer.name("if")
        writer.object { write(condition, to: &$0) }
        writer.name("then")
        writer.object { $0.require(name) }
      case .allowed(let name, let condition):
        writer.name("if")
        writer.object { writer in
          if let value = parameter(name)?.defaultValue {
            writer.property(name) { writer in
              writer.name("not")
              writer.object { $0.member("const", value) }
            }
          }
          writer.require(name)
        }
        writer.name("then")
        writer.object { write(condition, to: &$0) }
      case .allowedValues(let name, let choices, let condition):
        writer.name("if")
        writer.object { write(Rule.Condition(name: name, values: choices), to: &$0) }
        writer.name("then")
        writer.object { write(condition, to: &$0) }
      case .ordered(let first, let order, let second, _):
        // JSON Schema cannot compare two values.
        writer.member("description", "\(first) \(order.rawValue) \(second).")
      }
    }
  }

  private func writeAnyOf(_ names: [String], to writer: inout JSONWriter) {
    writer.name("anyOf")
    writer.array { writer in
      for name in names {
        writer.object { writer in
          writer.require(name)
          guard parameter(name)?.isList == true else { return }
          writer.property(name) { $0.member("minItems", 1) }
        }
      }
    }
  }

  private func write(_ condition: Rule.Condition, to writer: inout JSONWriter) {
    writer.property(condition.name) { writer in
      writer.name("enum")
      writer.array { writer in
        for value in condition.values {
          switch value {
          case .text(let text): writer.string(text)
          case .boolean(let value): writer.bool(value)
          }
        }
      }
    }
    // If the default satisfies the condition, the parameter may be omitted.
    let value = parameter(condition.name)?.defaultJSON.flatMap { ConditionValue($0) }
    if let value, condition.values.contains(value) { return }
    writer.require(condition.name)
  }
}

extension JSONWriter {
  fileprivate mutating func require(_ name: String) {
    self.name("required")
    array { $0.string(name) }
  }

  /// The schema of one member.
  fileprivate mutating func property(_ name: String, _ write: (inout JSONWriter) -> Void) {
    self.name("properties")
    object { writer in
      writer.name(text: name)
      writer.object(write)
    }
  }
}
