import Basics
import JSON

/// Reads the parameters of a command, or learns what they are.
///
/// A command's `init(_ parameters: inout ParamReader)` reads each of its parameters once, in
/// straight-line code, and states the rules between them. It runs once to describe (which yields
/// the JSON Schema) and then for each call to decode (which collects every fault with its place),
/// so schema, check and use cannot disagree.
public struct ParamReader: ~Copyable {
  /// Nil while describing.
  private let shape: ParameterShape?
  private let naming: ParameterShape.Naming
  /// What the caller gave, by position of the parameter.
  private let given: JSONSelection
  private(set) var described: [Parameter] = []
  private(set) var rules: [Rule] = []
  /// Faults so far; a decoded value counts only when there are none.
  public private(set) var problems: [ParameterProblem] = []
  /// Which parameter is read next, in the order of the description.
  private var position = 0

  /// In which nothing is found.
  private static let nothing = JSONFragment.null.json
  private static let noNames = JSONNames([])

  init(describing naming: ParameterShape.Naming) {
    self.naming = naming
    shape = nil
    given = Self.nothing.select(Self.noNames)
  }

  /// - Parameter object: what the caller gave; nil for nothing at all.
  package init(decoding shape: ParameterShape, from object: JSON?) {
    self.shape = shape
    naming = .verbatim
    if let object {
      given = object.select(shape.jsonNames)
    } else {
      given = Self.nothing.select(shape.jsonNames)
    }
  }

  // MARK: Declaring

  /// A parameter that every call must give.
  public mutating func required<K: Kind>(
    _ title: StaticString, _ kind: K, _ about: StaticString,
    from sources: @autoclosure () -> [ParameterSource] = [],
    examples: @autoclosure () -> [K.Value] = []
  ) -> K.Value {
    read(title, kind, about, isRequired: true, nil, sources(), examples()) ?? kind.placeholder
  }

  /// A parameter that may be left out, or given as null, which is the same.
  public mutating func optional<K: Kind>(
    _ title: StaticString, _ kind: K, _ about: StaticString,
    from sources: @autoclosure () -> [ParameterSource] = [],
    examples: @autoclosure () -> [K.Value] = []
  ) -> K.Value? {
    read(title, kind, about, isRequired: false, nil, sources(), examples())
  }

  /// A parameter that has a value when it is left out.
  public mutating func optional<K: Kind>(
    _ title: StaticString, _ kind: K, _ about: StaticString, default value: K.Value,
    from sources: @autoclosure () -> [ParameterSource] = [],
    examples: @autoclosure () -> [K.Value] = []
  ) -> K.Value {
    read(title, kind, about, isRequired: false, value, sources(), examples()) ?? value
  }

  /// Not all of these parameters, named by title, may be left out; an empty list is as good as
  /// left out.
  ///
  /// - Parameter message: the documents' sentence for that, where they have one.
  public mutating func atLeastOne(of titles: StaticString..., message: StaticString? = nil) {
    state { naming in
      .atLeastOne(of: titles.map { naming.name($0) }, sentence: message.map { "\($0)" })
    }
  }

  /// `title` must be given when `condition`, or its default, has one of these values.
  public mutating func required(
    _ title: StaticString, when condition: StaticString, isOneOf values: ConditionValue...
  ) {
    state { .required($0.name(title), when: .init(name: $0.name(condition), values: values)) }
  }

  /// `title` may be given only when `condition`, or its default, has one of these values. Giving
  /// the default of `title` changes nothing, and is always allowed.
  public mutating func allowed(
    _ title: StaticString, when condition: StaticString, isOneOf values: ConditionValue...
  ) {
    state { .allowed($0.name(title), when: .init(name: $0.name(condition), values: values)) }
  }

  /// The time `first` may not be after the time `second`; both the same is fine.
  ///
  /// - Parameter message: the documents' sentence for that.
  public mutating func ordered(
    _ first: StaticString, notAfter second: StaticString, message: StaticString
  ) {
    state { .ordered($0.name(first), .notAfter, $0.name(second), sentence: "\(message)") }
  }

  /// The time `first` must be before the time `second`.
  ///
  /// - Parameter message: the documents' sentence for that.
  public mutating func ordered(
    _ first: StaticString, before second: StaticString, message: StaticString
  ) {
    state { .ordered($0.name(first), .before, $0.name(second), sentence: "\(message)") }
  }

  /// Some values of a choice may be given only when `condition`, or its default, has one of these
  /// values.
  public mutating func allowed(
    _ title: StaticString, onlyFor choices: [ConditionValue], when condition: StaticString,
    isOneOf values: ConditionValue...
  ) {
    state {
      .allowedValues($0.name(title), choices, when: .init(name: $0.name(condition), values: values))
    }
  }

  /// A fault that only the values read so far show, and no schema can tell.
  public mutating func refuse(_ title: StaticString, _ problem: ParameterProblem) {
    guard let parameter = shape?.parameters.first(where: { $0.title == "\(title)" }) else { return }
    problems.append(problem.inside(parameter.name))
  }

  private mutating func state(_ rule: (ParameterShape.Naming) -> Rule) {
    if shape == nil { rules.append(rule(naming)) }
  }

  // MARK: Reading

  @inline(__always)
  private mutating func read<K: Kind>(
    _ title: StaticString, _ kind: K, _ about: StaticString, isRequired: Bool,
    _ defaultValue: K.Value?, _ sources: @autoclosure () -> [ParameterSource],
    _ examples: @autoclosure () -> [K.Value]
  ) -> K.Value? {
    guard let shape else {
      described.append(
        Parameter(
          name: naming.name(title), title: "\(title)",
          about: "\(about)" + (kind.note.map { " " + $0 } ?? ""), isRequired: isRequired,
          isSecret: kind.isSecret, isList: kind.isList, sources: sources(),
          examples: examples().map { kind.fragment($0) },
          defaultValue: defaultValue.map { kind.fragment($0) }, members: kind.members,
          writeKind: { kind.writeSchema(to: &$0) }))
      return nil
    }
    precondition(position < shape.parameters.count, "a declaration that branches")
    defer { position += 1 }
    guard let value = given.valueIfNotNull(position) else {
      if isRequired {
        problems.append(
          ParameterProblem("is required", at: shape.parameters[position].name, isMissing: true))
      }
      return nil
    }
    return decode(value, kind, shape.parameters[position])
  }

  private mutating func decode<K: Kind>(
    _ value: JSON, _ kind: K, _ parameter: Parameter
  ) -> K.Value? {
    var faults: [ParameterProblem] = []
    let decoded = kind.decode(value, members: parameter.members, faults: &faults)
    if !faults.isEmpty {
      problems += faults.map { $0.inside(parameter.name) }
      return nil
    }
    return decoded
  }

  // MARK: Finishing

  /// Adds what only the whole object shows: unknown members and broken rules.
  mutating func finish(_ object: JSON?) {
    guard let shape else { return }
    if let object, given.unknownCount > 0 { reportUnknownMembers(shape, object) }
    if !shape.rules.isEmpty { problems += shape.brokenRules(by: object) }
  }

  /// Faults of one object after which no further unknown members are looked up.
  private static let maximumProblems = 100

  /// Bytes of an unknown name that is quoted whole.
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
          names.isEmpty ? "is unknown; there are no parameters" : "is unknown",
          at: isLong ? "\(name.prefix(Self.maximumNameBytes / 4))…" : name,
          didYouMean: isLong ? nil : Suggestion.closest(to: name, among: names), isUnknown: true))
    }
  }
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
  /// Decodes what a caller gave.
  ///
  /// - Throws: every fault at once.
  public func decode<Value>(
    _ object: JSON?, _ declare: (inout ParamReader) -> Value
  ) throws(ParameterProblems) -> Value {
    // What is no object has no members to miss.
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
