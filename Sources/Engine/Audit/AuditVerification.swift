import Basics
import Crypto
import IntegrationKit
import JSON

/// Checks the chain of an audit file, line by line, in bounded memory.
package struct AuditVerification {
  /// Maximum number of unfinished writes that are listed. Further ones are counted.
  package static let maximumUnfinished = 10_000

  /// A line in the file, with the members that a reader looks for.
  package struct Place: Sendable {
    /// From 1.
    package let line: Int
    package let seq: Int64
    package let time: String
  }

  /// A write with a record of its start and none of its end.
  package struct Unfinished: Sendable {
    package let place: Place
    package let integration: String
    package let command: String
    package let connection: String?
    package let targets: Int?
    package let traceID: String?
    fileprivate let spanID: String
  }

  /// The first line that does not fit, from 1, and what is wrong.
  package struct Fault: Error, Sendable {
    package let line: Int
    package let problem: String
  }

  package private(set) var first: Place?
  package private(set) var last: Place?
  /// SHA-256 of the last line in hexadecimal digits.
  package private(set) var digest: String?
  package private(set) var lines = 0
  /// Whether the first line refers to one before it, as after a rotation.
  package private(set) var beginsInMidChain = false
  private var started: [String: Unfinished] = [:]
  private var unlisted = 0

  package init() {}

  /// In the order of the file.
  package var unfinished: [Unfinished] {
    started.values.sorted { $0.place.line < $1.place.line }
  }
  package var unfinishedCount: Int { started.count + unlisted }

  /// - Parameter text: a line without its line feed.
  /// - Throws: if it does not fit the lines before it.
  package mutating func add(_ text: [UInt8]) throws(Fault) {
    lines += 1
    let (json, place) = try read(text)
    if let last {
      try check(json, place, after: last)
    } else {
      beginsInMidChain = json["previous"]?.isNull == false
      first = place
    }
    last = place
    do throws(CryptoError) {
      digest = try AuditChain.digest(text[...])
    } catch {
      throw fault("cannot be checked: \(error.reason)")
    }
    follow(json, place)
  }

  /// The file ends within a line.
  package func incompleteLine() -> Fault {
    Fault(line: lines + 1, problem: "is incomplete: it does not end with a line feed")
  }

  package func tooLongLine() -> Fault {
    Fault(
      line: lines + 1, problem: "has more than \(AuditVerification.maximumLineBytes) bytes")
  }

  package static var maximumLineBytes: Int { AuditChain.maximumLineBytes }

  private func fault(_ problem: String) -> Fault { Fault(line: lines, problem: problem) }

  private func read(_ text: [UInt8]) throws(Fault) -> (JSON, Place) {
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(text)
    } catch {
      throw fault("is not a JSON value: \(error.reason) at byte \(error.offset + 1)")
    }
    guard json.kind == .object else { throw fault("is not a JSON object") }
    guard let seq = json["seq"]?.integer else { throw fault("has no number in \"seq\"") }
    guard let time = json["time"]?.string, json["event"]?.kind == .string else {
      throw fault("has no text in \"time\" or \"event\"")
    }
    guard let previous = json["previous"], previous.isNull || previous.kind == .string else {
      throw fault("has no digest in \"previous\"")
    }
    return (json, Place(line: lines, seq: seq, time: time))
  }

  private func check(_ json: JSON, _ place: Place, after last: Place) throws(Fault) {
    let next = last.seq.addingReportingOverflow(1)
    guard !next.overflow, place.seq == next.partialValue else {
      throw fault(
        "has the seq \(place.seq) after \(last.seq): lines are missing, repeated or in another order"
      )
    }
    guard let digest, json["previous"]?.equals(digest) == true else {
      throw Fault(
        line: last.line,
        problem: "was changed: its SHA-256 is not \"previous\" of line \(place.line)")
    }
  }

  private mutating func follow(_ json: JSON, _ place: Place) {
    guard let event = json["event"]?.string, let spanID = json["span_id"]?.string else { return }
    switch AuditEvent(rawValue: event) {
    case .started:
      guard json["effect"]?.equals(CommandMetadata.Effect.read.rawValue) != true else { return }
      guard started.count < Self.maximumUnfinished else {
        unlisted += 1
        return
      }
      started[spanID] = Unfinished(
        place: place, integration: json["integration"]?.string ?? "",
        command: json["command"]?.string ?? "", connection: json["connection"]?.string,
        targets: json["target_count"]?.integer.map { Int($0) },
        traceID: json["trace_id"]?.string, spanID: spanID)
    case .finished:
      guard json["effect"]?.equals(CommandMetadata.Effect.read.rawValue) != true else { return }
      // Its start may not be listed.
      if started.removeValue(forKey: spanID) == nil, unlisted > 0 { unlisted -= 1 }
    default: return
    }
  }
}
