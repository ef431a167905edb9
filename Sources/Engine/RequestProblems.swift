import Basics
import IntegrationKit
import JSON

/// All problems in the params of a call, reported in one error.
package struct RequestProblems: Error, Sendable {
  package struct Problem: Sendable {
    /// JSON Pointer into the params of an invocation.
    package let path: String
    /// What is wrong, then what is allowed. Displayed after the path.
    package let message: String
    /// The complete sentence for people.
    package let sentence: String
    package let didYouMean: String?
  }

  /// Problems reported per call. The others are reported once these are fixed.
  package static let maximum = 100

  /// The status code of an error with problems.
  static let statusCode = 400

  package private(set) var list: [Problem] = []
  package private(set) var remedy: String?

  package var isEmpty: Bool { list.isEmpty }
  package var isFull: Bool { list.count >= Self.maximum }

  package init() {}

  package init(_ path: String, _ message: String, didYouMean: String? = nil, remedy: String? = nil)
  {
    add(path, message, didYouMean: didYouMean)
    self.remedy = remedy
  }

  package init(_ problems: ParameterProblems, prefix: String) { add(problems, prefix: prefix) }

  package mutating func add(_ path: String, _ message: String, didYouMean: String? = nil) {
    guard !isFull else { return }
    let message = didYouMean.map { "\(message); did you mean \"\($0)\"?" } ?? message
    let end = didYouMean == nil ? "." : ""
    let sentence =
      path.isEmpty
      ? "\(message.prefix(1).uppercased())\(message.dropFirst())\(end)"
      : "\(path.dropFirst()): \(message)\(end)"
    list.append(
      Problem(path: path, message: message, sentence: sentence, didYouMean: didYouMean))
  }

  /// - Parameter prefix: the path of the decoded object in `params`, such as `/arguments`.
  package mutating func add(_ problems: ParameterProblems, prefix: String) {
    list += problems.list.prefix(Self.maximum - list.count).map { problem in
      Problem(
        path: prefix + problem.path, message: problem.message,
        sentence: problems.sentence(for: problem), didYouMean: problem.didYouMean)
    }
    remedy = remedy ?? problems.remedy
  }

  package mutating func add(_ others: RequestProblems) {
    list += others.list.prefix(Self.maximum - list.count)
    remedy = remedy ?? others.remedy
  }

  /// The other problems, apart from those at a path.
  package func without(_ path: String) -> RequestProblems {
    var rest = self
    rest.list.removeAll { $0.path == path }
    return rest
  }

  package static func + (first: RequestProblems, others: RequestProblems) -> RequestProblems {
    var all = first
    all.add(others)
    return all
  }

  /// The problems in the options of an invocation.
  ///
  /// - Parameter command: nil if it is unknown.
  package init(ofOptions options: JSON, for command: RegisteredCommand?) {
    do throws(ParameterProblems) {
      _ = try InvocationOptions.shape.decode(options) { InvocationOptions(&$0) }
    } catch {
      add(error, prefix: "/options")
    }
    if let command, let problems = InvocationOptions.faults(in: options, for: command) {
      add(problems, prefix: "/options")
    }
  }

  /// One sentence per problem.
  package var message: String {
    list.map(\.sentence).withoutDuplicates().joined(separator: " ")
  }

  /// Writes the data of an error: the documents' triple and the list of all problems.
  package func write(to writer: inout JSONWriter, indicator: String, _ meta: OutcomeMeta?) {
    writer.object { writer in
      writer.member("return_data", "Failed")
      writer.member("failure_indicator", indicator)
      writer.member("status_code", Self.statusCode)
      writer.member("message", message)
      writer.member("kind", CommandError.Kind.validation.rawValue)
      writer.member("retryable", false)
      writer.member("outcome", CommandError.Outcome.notApplied.rawValue)
      writer.member(ifPresent: "remedy", remedy)
      writer.name("problems")
      writeList(to: &writer)
      if let meta {
        writer.name("meta")
        meta.write(to: &writer)
      }
    }
  }

  /// Writes the array of all problems.
  func writeList(to writer: inout JSONWriter) {
    writer.array { writer in
      for problem in list {
        writer.object {
          $0.member("path", problem.path)
          $0.member("message", problem.message)
          $0.member(ifPresent: "did_you_mean", problem.didYouMean)
        }
      }
    }
  }
}
