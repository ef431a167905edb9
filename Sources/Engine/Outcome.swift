import FileStore
import IntegrationKit
import JSON
import Redaction

/// The outcome of an invocation: its result or its error, and its metrics.
package struct Outcome: Sendable {
  package enum Content: Sendable {
    case result(CommandResult)
    /// The result in the idempotency ledger, an object.
    case recorded(JSON)
    case failure(CommandError)
  }

  package enum Status: Sendable {
    case successful
    /// Some targets succeeded and some failed.
    case partial
    case failed
  }

  package private(set) var content: Content
  package let command: RegisteredCommand
  package let meta: OutcomeMeta
  /// The secrets that its text may contain.
  package let redaction: RedactionScope
  /// A remark in addition to those of the command.
  private var notice: String?

  init(
    _ content: Content, of command: RegisteredCommand, _ meta: OutcomeMeta, notice: String?,
    redaction: RedactionScope
  ) {
    self.redaction = redaction
    self.content = content
    self.command = command
    self.meta = meta
    self.notice = notice
    if let notice, case .result(var result) = content {
      result.notices.append(notice)
      self.content = .result(result)
    }
  }

  package var durationMilliseconds: Int { meta.durationMilliseconds }

  package var status: Status {
    switch content {
    case .result(let result):
      result.targets.allSatisfy(\.isSuccess) ? .successful : .partial
    case .recorded(let result):
      result["return_data"]?.equals("Partially Successful") == true ? .partial : .successful
    case .failure: .failed
    }
  }

  /// `return_data` of the documents.
  package var returnData: String {
    switch content {
    case .result(let result): result.returnData
    case .recorded(let result): result["return_data"]?.string ?? "Successful"
    case .failure: "Failed"
    }
  }

  package var error: CommandError? {
    guard case .failure(let error) = content else { return nil }
    return error
  }

  package var invocationError: InvocationError? {
    error.map { InvocationError($0, indicator: command.failure, redaction: redaction, meta: meta) }
  }

  /// The same outcome with a different message for a cancellation that the caller did not request.
  ///
  /// - Parameter message: nil if the caller cancelled it.
  package func explainingCancellation(_ message: String?) -> Outcome {
    guard case .failure(var error) = content, error.kind == .cancelled, let message else {
      return self
    }
    var outcome = self
    error.message = message
    outcome.content = .failure(error)
    return outcome
  }

  /// The same outcome with another remark.
  func adding(notice: String) -> Outcome {
    var outcome = self
    switch content {
    case .result(var result):
      result.notices.append(notice)
      outcome.content = .result(result)
    case .recorded:
      outcome.notice = [self.notice, notice].compactMap(\.self).joined(separator: " ")
    case .failure(var error):
      error.remedy = error.remedy.map { "\($0) \(notice)" } ?? notice
      outcome.content = .failure(error)
    }
    return outcome
  }

  // MARK: Writing

  /// Writes the result, an object.
  ///
  /// - Precondition: the invocation has a result.
  package func writeResult(to writer: inout JSONWriter) {
    switch content {
    case .result(let result):
      writer.object { writer in
        result.writeMembers(to: &writer, indicator: command.failure)
        writer.name("meta")
        meta.write(to: &writer)
      }
    case .recorded(let result): write(result, to: &writer)
    case .failure: preconditionFailure("a failure has no result")
    }
  }

  /// Writes a recorded result with the metadata of this invocation.
  private func write(_ recorded: JSON, to writer: inout JSONWriter) {
    writer.object { writer in
      var notices = recorded["notices"]?.elements.compactMap(\.string) ?? []
      if let notice { notices.append(notice) }
      for member in recorded.members
      where !member.name.equals("meta") && !member.name.equals("notices") {
        writer.name(copying: member.name)
        writer.value(member.value)
      }
      if !notices.isEmpty {
        writer.name("notices")
        writer.array { writer in for notice in notices { writer.string(notice) } }
      }
      writer.name("meta")
      meta.write(to: &writer)
    }
  }

  /// The result with the secrets redacted.
  package var redactedResult: JSONFragment {
    let written = JSONFragment { writeResult(to: &$0) }
    return redaction.search.replacement(json: written, Self.resultLayout) ?? written
  }

  // MARK: Layout

  /// Which members of a result are a vendor's text.
  package static let resultLayout = MessageLayout.object([
    "return_data": .own, "raw_data": .foreign, "targets": .list(of: targetLayout),
    "errors": .list(of: errorLayout + .object(["target": .own])), "files": filesLayout,
    "events": .foreign, "preview": .foreign, "cursor": .foreign, "notices": .foreign, "meta": .own,
  ])

  /// Which members of the data of an error are a vendor's text.
  package static let errorLayout =
    commandErrorLayout + .object(["targets": .list(of: targetLayout)])

  private static let commandErrorLayout = MessageLayout.object([
    "return_data": .own, "failure_indicator": .own, "status_code": .own, "message": .foreign,
    "kind": .own, "retryable": .own, "retry_after_ms": .own, "outcome": .own, "remedy": .foreign,
    "upstream": .foreign, "problems": .own, "meta": .own,
  ])

  /// The caller names the targets.
  package static let targetLayout = MessageLayout.object([
    "target": .own, "return_data": .own, "data": .foreign, "files": filesLayout,
    "error": commandErrorLayout,
  ])

  private static let filesLayout = MessageLayout.list(
    of: .object([
      "file_id": .own, "name": .foreign, "content_type": .foreign, "size": .own, "source": .own,
      "path": .own,
    ]))
}
