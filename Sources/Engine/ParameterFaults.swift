import Basics
import IntegrationKit
import JSON

/// Everything that is wrong with the params of a call, reported at once.
package struct ParameterFaults: Error, Sendable {
  package struct Fault: Sendable {
    /// JSON Pointer into the params of an invocation.
    package let path: String
    /// The rest of a sentence that starts with the place.
    package let message: String
    /// The whole sentence, for people.
    package let sentence: String
    package let didYouMean: String?
  }

  /// Faults of one call that are reported; the rest follow once these are corrected.
  package static let maximumFaults = 100

  package private(set) var faults: [Fault] = []
  package private(set) var remedy: String?

  package var isEmpty: Bool { faults.isEmpty }
  package var isFull: Bool { faults.count >= Self.maximumFaults }

  package init() {}

  package init(_ path: String, _ message: String, didYouMean: String? = nil, remedy: String? = nil) {
    add(path, message, didYouMean: didYouMean)
    self.remedy = remedy
  }

  package init(_ problems: ParameterProblems, prefix: String) { add(problems, prefix: prefix) }

  package mutating func add(_ path: String, _ message: String, didYouMean: String? = nil) {
    guard faults.count < Self.maximumFaults else { return }
    let message = didYouMean.map { "\(message); did you mean \"\($0)\"?" } ?? message
    let end = didYouMean == nil ? "." : ""
    let sentence =
      path.isEmpty
      ? "\(message.prefix(1).uppercased())\(message.dropFirst())\(end)"
      : "\(path.dropFirst()): \(message)\(end)"
    faults.append(
      Fault(path: path, message: message, sentence: sentence, didYouMean: didYouMean))
  }

  /// - Parameter prefix: where the object that was read stands in `params`, such as `/arguments`.
  package mutating func add(_ problems: ParameterProblems, prefix: String) {
    faults += problems.list.prefix(Self.maximumFaults - faults.count).map { problem in
      Fault(
        path: prefix + problem.path, message: problem.message,
        sentence: problems.sentence(for: problem), didYouMean: problem.didYouMean)
    }
  }

  package mutating func add(_ others: ParameterFaults) {
    faults += others.faults.prefix(Self.maximumFaults - faults.count)
    remedy = remedy ?? others.remedy
  }

  package static func + (first: ParameterFaults, others: ParameterFaults) -> ParameterFaults {
    var all = first
    all.add(others)
    return all
  }

  /// The faults of the options of an invocation.
  ///
  /// - Parameter command: nil if it is not known.
  package init(ofOptions options: JSON, for command: RegisteredCommand?) {
    do throws(ParameterProblems) {
      _ = try InvocationOptions.shape.decode(options) { InvocationOptions(&$0) }
    } catch {
      add(error, prefix: "/options")
    }
    if let command, let problems = InvocationOptions.faults(in: options, for: command.metadata) {
      add(problems, prefix: "/options")
    }
  }

  /// One sentence for each fault.
  package var message: String {
    faults.map(\.sentence).withoutDuplicates().joined(separator: " ")
  }

  /// Writes the data of an error: the documents' triple, and a list of all faults.
  package func write(to writer: inout JSONWriter, indicator: String) {
    writer.object { writer in
      writer.member("return_data", "Failed")
      writer.member("failure_indicator", indicator)
      writer.member("status_code", 400)
      writer.member("message", message)
      writer.member("kind", CommandError.Kind.validation.rawValue)
      writer.member("retryable", false)
      writer.member("outcome", CommandError.Outcome.notApplied.rawValue)
      writer.member(ifPresent: "remedy", remedy)
      writer.name("problems")
      writer.array { writer in
        for fault in faults {
          writer.object {
            $0.member("path", fault.path)
            $0.member("message", fault.message)
            $0.member(ifPresent: "did_you_mean", fault.didYouMean)
          }
        }
      }
    }
  }
}
