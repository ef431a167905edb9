import Basics
import JSON

/// Decodes the parameters of a command, or records their declarations.
///
/// A command's `init(_ parameters: inout ParamReader)` reads each parameter once, in straight-line
/// code, and declares the rules between them. The first run records the declarations, from which
/// the JSON Schema is written. Each call runs it again to decode, and collects every problem with
/// its path. Schema, validation and use therefore cannot disagree.
public struct ParamReader: ~Copyable {
  /// Nil while recording.
  private let shape: ParameterShape?
  /// Nil while decoding.
  private let recording: ParameterRecording?
  /// The caller's values, by parameter position.
  private let given: JSONSelection
  /// The problems so far. The decoded value is valid only if there are none.
  public private(set) var problems: [ParameterProblem] = []
  /// The position of the next parameter, in declaration order.
  private var position = 0

  private static let nothing = JSONFragment.null.json
  private static let noNames = JSONNames([])

  init(recordingTo recording: ParameterRecording) {
    self.recording = recording
    shape = nil
    given = Self.nothing.select(Self.noNames)
  }

  /// - Parameter object: the caller's object; nil if the caller sent none.
  package init(decoding shape: ParameterShape, from object: JSON?) {
    self.shape = shape
    recording = nil
    given = (object ?? Self.nothing).select(shape.jsonNames)
  }

  // MARK: Declaring

  /// A required parameter.
  public mutating func required<T: ParameterType>(
    _ title: StaticString, _ type: T, _ description: StaticString,
    from sources: @autoclosure () -> [ParameterSource] = [],
    examples: @autoclosure () -> [T.Value] = []
  ) -> T.Value {
    read(title, type, description, isRequired: true, nil, sources(), examples()) ?? type.placeholder
  }

  /// An optional parameter. Null counts as not given.
  public mutating func optional<T: ParameterType>(
    _ title: StaticString, _ type: T, _ description: StaticString,
    from sources: @autoclosure () -> [ParameterSource] = [],
    examples: @autoclosure () -> [T.Value] = []
  ) -> T.Value? {
    read(title, type, description, isRequired: false, nil, sources(), examples())
  }

  /// An optional parameter with a default.
  public mutating func optional<T: ParameterType>(
    _ title: StaticString, _ type: T, _ description: StaticString, default value: T.Value,
    from sources: @autoclosure () -> [ParameterSource] = [],
    examples: @autoclosure () -> [T.Value] = []
  ) -> T.Value {
    read(title, type, description, isRequired: false, value, sources(), examples()) ?? value
  }

  /// At least one of these parameters, named by title, must be given. An empty list counts as not
  /// given.
  ///
  /// - Parameter message: the documents' sentence for this problem, if they have one.
  public mutating func atLeastOne(of titles: StaticString..., message: StaticString? = nil) {
    state { naming in
      .atLeastOne(of: titles.map { naming.name($0) }, sentence: message.map { "\($0)" })
    }
  }

  /// At least one of these is required if `condition`, or its default, has one of these values.
  public mutating func atLeastOne(
    of titles: StaticString..., when condition: StaticString, isOneOf values: ConditionValue...
  ) {
    state { naming in
      .atLeastOneWhen(
        of: titles.map { naming.name($0) },
        when: .init(name: naming.name(condition), values: values))
    }
  }

  /// `title` is required if `condition`, or its default, has one of these values.
  public mutating func required(
    _ title: StaticString, when condition: StaticString, isOneOf values: ConditionValue...
  ) {
    state { .required($0.name(title), when: .init(name: $0.name(condition), values: values)) }
  }

  /// `title` is required unless `other` is given.
  public mutating func required(_ title: StaticString, unlessGiven other: StaticString) {
    state { .requiredUnless($0.name(title), given: $0.name(other)) }
  }

  /// `title` is allowed only if `condition`, or its default, has one of these values. The default
  /// of `title` is always allowed, because it changes nothing.
  public mutating func allowed(
    _ title: StaticString, when condition: StaticString, isOneOf values: ConditionValue...
  ) {
    state { .allowed($0.name(title), when: .init(name: $0.name(condition), values: values)) }
  }

  /// The time `first` must not be after the time `second`. Equal times are allowed.
  ///
  /// - Parameter message: the documents' sentence for this problem.
  public mutating func ordered(
    _ first: StaticString, notAfter second: StaticString, message: StaticString
  ) {
    state { .ordered($0.name(first), .notAfter, $0.name(second), sentence: "\(message)") }
  }

  /// The time `first` must be before the time `second`.
  ///
  /// - Parameter message: the documents' sentence for this problem.
  public mutating func ordered(
    _ first: StaticString, before second: StaticString, message: StaticString
  ) {
    state { .ordered($0.name(first), .before, $0.name(second), sentence: "\(message)") }
  }

  /// Some values of a choice are allowed only if `condition`, or its default, has one of these
  /// values.
  public mutating func allowed(
    _ title: StaticString, onlyFor choices: [ConditionValue], when condition: StaticString,
    isOneOf values: ConditionValue...
  ) {
    state {
      .allowedValues($0.name(title), choices, when: .init(name: $0.name(condition), values: values))
    }
  }

  /// Reports a problem that depends on the values read so far and that no schema can express.
  public mutating func refuse(_ title: StaticString, _ problem: ParameterProblem) {
    guard let parameter = shape?.parameters.first(where: { $0.title == "\(title)" }) else { return }
    problems.append(problem.inside(parameter.name))
  }

  private mutating func state(_ rule: (ParameterShape.Naming) -> Rule) {
    guard let recording else { return }
    recording.rules.append(rule(recording.naming))
  }

  // MARK: Reading

  @inline(__always)
  private mutating func read<T: ParameterType>(
    _ title: StaticString, _ type: T, _ description: StaticString, isRequired: Bool,
    _ defaultValue: T.Value?, _ sources: @autoclosure () -> [ParameterSource],
    _ examples: @autoclosure () -> [T.Value]
  ) -> T.Value? {
    guard let shape else {
      recording?.parameters.append(
        Parameter(
          name: recording?.naming.name(title) ?? "", title: "\(title)",
          description: "\(description)" + (type.note.map { " " + $0 } ?? ""),
          isRequired: isRequired, isSecret: type.isSecret, isList: type.isList, sources: sources(),
          examples: examples().map { type.fragment($0) },
          defaultValue: defaultValue.map { type.fragment($0) }, members: type.members,
          conditionValue: { type.conditionValue(of: $0) },
          writeType: { type.writeSchema(to: &$0) }))
      return nil
    }
    precondition(position < shape.parameters.count, "the declaration branches")
    defer { position += 1 }
    guard let value = given.valueIfNotNull(position) else {
      if isRequired {
        problems.append(
          ParameterProblem("is required", at: shape.parameters[position].name, isMissing: true))
      }
      return nil
    }
    return decode(value, type, shape.parameters[position])
  }

  private mutating func decode<T: ParameterType>(
    _ value: JSON, _ type: T, _ parameter: Parameter
  ) -> T.Value? {
    let known = problems.count
    let decoded = type.decode(value, members: parameter.members, faults: &problems)
    guard problems.count > known else { return decoded }
    for fault in known..<problems.count {
      problems[fault] = problems[fault].inside(parameter.name)
    }
    return nil
  }

  // MARK: Finishing

  /// Adds the problems of the object as a whole: unknown members and violated rules.
  mutating func finish(_ object: JSON?) {
    guard let shape else { return }
    if let object, given.unknownCount > 0 { reportUnknownMembers(shape, object) }
    if !shape.rules.isEmpty { problems += shape.violatedRules(by: object) }
  }

  /// Problems of one object after which unknown members are no longer reported.
  private static let maximumProblems = 100

  /// Longer unknown names are truncated, in bytes.
  private static let maximumNameBytes = 400

  private mutating func reportUnknownMembers(_ shape: ParameterShape, _ object: JSON) {
    let names = shape.names
    for member in object.members {
      guard problems.count < Self.maximumProblems else { return }
      guard shape.jsonNames.position(of: member.name) == nil, let name = member.name.string
      else { continue }
      let isLong = name.utf8.count > Self.maximumNameBytes
      problems.append(
        ParameterProblem(
          names.isEmpty ? "unknown parameter; no parameters are accepted" : "unknown parameter",
          at: isLong ? "\(name.prefix(Self.maximumNameBytes / 4))…" : name,
          didYouMean: isLong ? nil : Suggestion.closest(to: name, among: names), isUnknown: true))
    }
  }
}

/// The declarations of one shape, while they are recorded.
final class ParameterRecording {
  let naming: ParameterShape.Naming
  var parameters: [Parameter] = []
  var rules: [Rule] = []

  init(_ naming: ParameterShape.Naming) { self.naming = naming }
}

extension ParameterShape.Naming {
  func name(_ title: StaticString) -> String {
    switch self {
    case .snakeCase: ParameterName.snakeCase("\(title)")
    case .verbatim: "\(title)"
    }
  }
}

extension ParameterShape {
  /// Decodes the caller's object.
  ///
  /// - Throws: all problems at once.
  public func decode<Value>(
    _ object: JSON?, _ declare: (inout ParamReader) -> Value
  ) throws(ParameterProblems) -> Value {
    // Missing members are not reported for a value that is not an object.
    if let object, object.kind != .object {
      throw ParameterProblems(ParameterProblem("must be an object"), of: self)
    }
    var reader = ParamReader(decoding: self, from: object)
    let value = declare(&reader)
    reader.finish(object)
    let problems = reader.problems
    if !problems.isEmpty { throw ParameterProblems(list: problems, shape: self) }
    return value
  }
}
