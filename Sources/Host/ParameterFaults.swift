import Basics
import IntegrationKit
import JSON
import RPC

/// What is wrong with the params of a call, gathered from all their parts, to be answered at once.
struct ParameterFaults: Error {
  private struct Fault {
    /// JSON Pointer into `params`.
    let path: String
    /// The rest of a sentence that starts with the place.
    let message: String
    /// The whole sentence, for people.
    let sentence: String
    let didYouMean: String?
  }

  /// Faults of one call that are told; a caller with more has the rest after mending these.
  static let maximumFaults = 100

  private var faults: [Fault] = []
  private var remedy: String?

  var isEmpty: Bool { faults.isEmpty }
  var isFull: Bool { faults.count >= Self.maximumFaults }

  init() {}

  init(_ path: String, _ message: String, didYouMean: String? = nil, remedy: String? = nil) {
    add(path, message, didYouMean: didYouMean)
    self.remedy = remedy
  }

  init(_ problems: ParameterProblems, prefix: String) { add(problems, prefix: prefix) }

  mutating func add(_ path: String, _ message: String, didYouMean: String? = nil) {
    guard faults.count < Self.maximumFaults else { return }
    let sentence =
      path.isEmpty
      ? "\(message.prefix(1).uppercased())\(message.dropFirst())."
      : "\(path.dropFirst()) \(message)."
    faults.append(
      Fault(path: path, message: message, sentence: sentence, didYouMean: didYouMean))
  }

  /// - Parameter prefix: where the object that was read stands in `params`, such as `/arguments`.
  mutating func add(_ problems: ParameterProblems, prefix: String) {
    faults += problems.list.prefix(Self.maximumFaults - faults.count).map { problem in
      Fault(
        path: prefix + problem.path, message: problem.message,
        sentence: problems.sentence(for: problem), didYouMean: problem.didYouMean)
    }
  }

  mutating func add(_ others: ParameterFaults) {
    faults += others.faults.prefix(Self.maximumFaults - faults.count)
    remedy = remedy ?? others.remedy
  }

  /// - Parameter indicator: the failure indicator of the command, where one is known.
  func error(indicator: String = "Invalid params.") -> RPCError {
    var sentences: [String] = []
    for fault in faults where !sentences.contains(fault.sentence) {
      sentences.append(fault.sentence)
    }
    return RPCError(
      .invalidParams, indicator,
      data: JSONFragment { writer in
        writer.object { writer in
          Failure.writeTriple(
            indicator, 400, sentences.joined(separator: " "), kind: .validation, to: &writer)
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
      })
  }
}
