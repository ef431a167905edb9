import Basics

/// One fault in what a caller gave.
public struct ParameterProblem: Sendable {
  /// JSON Pointer (RFC 6901) from the object that was read; empty for the object itself.
  public private(set) var path: String
  /// What is wrong and what would be right, as the rest of a sentence that starts with the place.
  public var message: String
  public var didYouMean: String?
  public var isMissing: Bool
  public var isUnknown: Bool
  /// The whole sentence, where the documents have one for just this fault.
  public var sentence: String?

  public init(
    _ message: String, at name: String? = nil, didYouMean: String? = nil, isMissing: Bool = false,
    isUnknown: Bool = false, sentence: String? = nil
  ) {
    self.message = message
    self.didYouMean = didYouMean
    self.isMissing = isMissing
    self.isUnknown = isUnknown
    self.sentence = sentence
    path = name.map { "/" + Self.escape($0) } ?? ""
  }

  /// The same fault seen from the object or array around.
  public func inside(_ name: String) -> ParameterProblem {
    var outer = self
    outer.path = "/" + Self.escape(name) + path
    return outer
  }

  private static func escape(_ name: String) -> String {
    // By scalars: a slash with a combining mark is a character of its own, and still a slash.
    guard name.unicodeScalars.contains(where: { $0 == "~" || $0 == "/" }) else { return name }
    return name.unicodeScalars.reduce(into: "") { text, scalar in
      text += scalar == "~" ? "~0" : scalar == "/" ? "~1" : String(scalar)
    }
  }
}

/// All faults of one object.
public struct ParameterProblems: Error, Sendable {
  public let list: [ParameterProblem]
  let shape: ParameterShape

  init(list: [ParameterProblem], shape: ParameterShape) {
    self.list = list
    self.shape = shape
  }

  public init(_ problem: ParameterProblem, of shape: ParameterShape) {
    self.init(list: [problem], shape: shape)
  }

  /// The same faults seen from the object around, whose shape is not known here.
  public func inside(_ name: String) -> ParameterProblems {
    ParameterProblems(list: list.map { $0.inside(name) }, shape: shape)
  }

  /// The documented title of the parameter at the top of a path.
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
    case (nil, _): problem.message.prefix(1).uppercased() + problem.message.dropFirst() + "."
    }
  }

  /// For people: one line each.
  public func lines(prefix: String) -> [String] {
    list.map { problem in
      let place = prefix + problem.path
      let hint = problem.didYouMean.map { "; did you mean \($0)?" } ?? ""
      return place.isEmpty ? problem.message + hint : "\(place): \(problem.message)\(hint)"
    }
  }
}
