import Basics

/// One problem in the caller's arguments.
public struct ParameterProblem: Sendable {
  /// JSON Pointer (RFC 6901) relative to the decoded object; empty for the object itself.
  public private(set) var path: String
  /// What is wrong, then what is allowed. Displayed after the path, as in
  /// `/arguments/page: must be an integer from 1 to 100`.
  public var message: String
  public var didYouMean: String?
  public var isMissing: Bool
  public var isUnknown: Bool
  /// The documents' complete sentence for this problem, if they have one.
  public var sentence: String?

  public init(
    _ message: String, at name: String? = nil, didYouMean: String? = nil, isMissing: Bool = false,
    isUnknown: Bool = false, sentence: String? = nil
  ) {
    self.message = message + (didYouMean.map { "; did you mean \"\($0)\"?" } ?? "")
    self.didYouMean = didYouMean
    self.isMissing = isMissing
    self.isUnknown = isUnknown
    self.sentence = sentence
    path = name.map { "/" + Self.escape($0) } ?? ""
  }

  /// - Parameter path: a JSON Pointer relative to the object.
  package init(
    _ message: String, path: String, didYouMean: String?, isMissing: Bool, isUnknown: Bool
  ) {
    self.init(message, didYouMean: didYouMean, isMissing: isMissing, isUnknown: isUnknown)
    self.path = path
  }

  /// The same problem, relative to the enclosing object or array.
  public func inside(_ name: String) -> ParameterProblem {
    var outer = self
    outer.path = "/" + Self.escape(name) + path
    return outer
  }

  private static func escape(_ name: String) -> String {
    // By scalars: a slash with a combining mark is a different character, but still a slash.
    guard name.unicodeScalars.contains(where: { $0 == "~" || $0 == "/" }) else { return name }
    return name.unicodeScalars.reduce(into: "") { text, scalar in
      text += scalar == "~" ? "~0" : scalar == "/" ? "~1" : String(scalar)
    }
  }
}

/// All problems of one object.
public struct ParameterProblems: Error, Sendable {
  public let list: [ParameterProblem]
  let shape: ParameterShape
  /// What the user can do about them.
  public private(set) var remedy: String?

  init(list: [ParameterProblem], shape: ParameterShape) {
    self.list = list
    self.shape = shape
  }

  public init(_ problem: ParameterProblem, of shape: ParameterShape) {
    self.init(list: [problem], shape: shape)
  }

  public init(_ problems: [ParameterProblem], of shape: ParameterShape, remedy: String?) {
    self.init(list: problems, shape: shape)
    self.remedy = remedy
  }

  /// The same problems, relative to the enclosing object. Its shape is not known here.
  public func inside(_ name: String) -> ParameterProblems {
    ParameterProblems(list.map { $0.inside(name) }, of: shape, remedy: remedy)
  }

  /// The documented title of the top-level parameter of a path.
  func title(of problem: ParameterProblem) -> String? {
    let name = problem.path.split(separator: "/").first.map(String.init)
    return shape.parameters.first { $0.name == name }?.title
  }

  /// The documents' sentence: "The value for parameter (Page Size) is invalid."
  public func sentence(for problem: ParameterProblem) -> String {
    if let sentence = problem.sentence { return sentence }
    return switch (title(of: problem), problem.isMissing) {
    case (let title?, true): "The value for parameter (\(title)) is required."
    case (let title?, false): "The value for parameter (\(title)) is invalid."
    case (nil, _) where problem.isUnknown:
      "The parameter (\(problem.path.dropFirst())) is unknown."
    case (nil, _):
      problem.message.prefix(1).uppercased() + problem.message.dropFirst()
        + (problem.didYouMean == nil ? "." : "")
    }
  }

  /// One line of text per problem.
  public func lines(prefix: String) -> [String] {
    list.map { problem in
      let path = prefix + problem.path
      return path.isEmpty ? problem.message : "\(path): \(problem.message)"
    }
  }
}
